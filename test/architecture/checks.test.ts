/**
 * The other parts of `npm run check` can fail too: each is shown a copy of the house in which its one thing is wrong.
 * That the house itself passes them is for `npm run check` to say.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyOfTheHouse } from './house-copy.ts'

const run = (folder: string, program: string, ...args: string[]): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
const bin = (name: string): string => join('node_modules', '.bin', name)

describe('the checks', () => {
  let broken: string
  beforeAll(() => {
    broken = copyOfTheHouse([
      { file: 'apps/server/planted-environment.ts', text: 'export const secret = process.env.PLANTED' },
      { file: 'domain/planted-any.ts', text: 'export const value: any = 1' },
      { file: 'domain/planted-format.ts', text: 'export   const value = "unformatted";' },
      {
        file: 'incidents/rules/planted-fact.ts',
        text: `import type { CorrelationRule } from '../rule.ts'
/** A fact nobody listed. */
export const plantedFact: CorrelationRule = { name: 'planted-fact', window: 60_000_000_000n, facts: () => [] }`,
      },
    ])
    appendFileSync(join(broken, 'domain/ids.ts'), '\nexport const plantedForNobody = 1\n')
  })
  afterAll(() => rmSync(broken, { recursive: true, force: true }))

  it('lint: see the environment read outside config/, and any', () => {
    const { status, output } = run(broken, bin('oxlint'), '--deny-warnings', '--format', 'unix')
    expect(status).not.toBe(0)
    expect(output).toMatch(/planted-environment\.ts.*process\.env/)
    expect(output).toMatch(/planted-any\.ts.*any/)
  })

  it('format: see a file that is not formatted', () => {
    const { status, output } = run(broken, bin('prettier'), '--check', '--log-level', 'warn', 'domain')
    expect(status).not.toBe(0)
    expect(output).toContain('planted-format.ts')
  })

  it('dead code: see an export that nobody uses, and a file that nobody imports', () => {
    const { status, output } = run(broken, bin('knip'), '--no-config-hints')
    expect(status).not.toBe(0)
    expect(output).toMatch(/plantedForNobody\s+domain\/ids\.ts/)
    expect(output).toContain('domain/planted-any.ts')
  })

  it('generated files: see a rule that is in no registry', () => {
    const { status, output } = run(broken, process.execPath, 'scripts/generate.ts', '--check')
    expect(status).toBe(1)
    expect(output).toContain('incidents/rules/registry.generated.ts')
    expect(output).not.toContain('collectors/registry.generated.ts')
  })
})
