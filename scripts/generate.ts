/** `npm run generate`: writes every generated file; with `--check` it only says which ones differ, and fails. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Registries first: everything after them imports what they list. */
const generators = [
  () => import('./generate/registries.ts'),
  () => import('./generate/config.ts'),
  () => import('./generate/collectors.ts'),
  () => import('./generate/actions.ts'),
  () => import('./generate/correlation-rules.ts'),
  () => import('./generate/attack-steps.ts'),
  () => import('./generate/detections.ts'),
  () => import('./generate/permissions.ts'),
  () => import('./generate/api.ts'),
  () => import('./generate/tools.ts'),
  () => import('./generate/rbac.ts'),
]

const check = process.argv.includes('--check')
const stale: string[] = []
for (const load of generators)
  for (const [path, wanted] of Object.entries(await (await load()).render())) {
    if (existsSync(path) && readFileSync(path, 'utf8') === wanted) continue
    stale.push(path)
    if (check) continue
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, wanted)
    console.log(`wrote ${path}`)
  }
if (check && stale.length > 0) {
  console.error(`These generated files are out of date; run npm run generate:\n${stale.map((path) => `  ${path}`).join('\n')}`)
  process.exit(1)
}
