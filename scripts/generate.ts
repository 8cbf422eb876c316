/** `npm run generate`: writes every generated file; with `--check` it only says which ones differ, and fails. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { renderRegistry } from './generate/registries.ts'

const check = process.argv.includes('--check')
const stale: string[] = []
for (const [path, render] of Object.entries(renderRegistry())) {
  const wanted = render()
  if (existsSync(path) && readFileSync(path, 'utf8') === wanted) continue
  if (check) stale.push(path)
  else writeFileSync(path, wanted)
}
if (stale.length > 0) {
  console.error(`These generated files are out of date; run npm run generate:\n${stale.map((path) => `  ${path}`).join('\n')}`)
  process.exit(1)
}
