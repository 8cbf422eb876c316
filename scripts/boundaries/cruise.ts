/**
 * Reads every module of the house and says which rules of .dependency-cruiser.js are crossed. A file that was not read is
 * a finding too: a cruise over nothing finds nothing, and that must never pass.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'

export type Crossing = { rule: string; from: string; to: string; via: readonly string[]; comment: string }
export type Cruise = { modules: readonly string[]; imports: number; crossings: readonly Crossing[]; rules: readonly string[] }

const rulesFile = fileURLToPath(new URL('../../.dependency-cruiser.js', import.meta.url))

/** Throws when the rules themselves are malformed. */
export async function cruiseHouse(root = process.cwd()): Promise<Cruise> {
  const options = await extractOptions(rulesFile)
  const { output } = await cruise(['.'], { ...options, baseDir: root, preserveSymlinks: true })
  if (typeof output === 'string') throw new Error('the cruise answered text')
  const { forbidden = [] } = options.ruleSet ?? {}
  const comments = new Map(forbidden.map((rule) => [rule.name, rule.comment ?? '']))
  const own = output.modules.filter(
    ({ source, couldNotResolve }) => couldNotResolve !== true && source.endsWith('.ts') && !source.includes('node_modules/'),
  )
  return {
    modules: own.map(({ source }) => source).sort(),
    imports: own.reduce((sum, { dependencies }) => sum + dependencies.length, 0),
    rules: [...comments.keys()].map(String),
    crossings: output.summary.violations.map(({ rule, from, to, via, cycle }) => ({
      rule: rule.name,
      from,
      to,
      via: (via ?? cycle ?? []).map(({ name }) => name),
      comment: comments.get(rule.name) ?? '',
    })),
  }
}

/** The TypeScript files that are in the repository, or are about to be. */
export function sourceFiles(root = process.cwd()): string[] {
  return execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.ts'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '' && existsSync(`${root}/${path}`))
    .sort()
}
