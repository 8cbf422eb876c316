/**
 * The house is as its plan says: file, registry and name agree, modules explain themselves and stay small, only config/
 * reads the environment, and what the documents tell people to type and to open exists.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { families } from '../../agent/playbook/families/registry.generated.ts'
import { commands } from '../../apps/cli/commands/registry.generated.ts'
import { collectors } from '../../collectors/registry.generated.ts'
import { Config } from '../../config/config.ts'
import { loadScenario, scenarioNames } from '../../evals/scenario.ts'
import { correlationRules } from '../../incidents/rules/registry.generated.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { sourceFiles } from '../../scripts/boundaries/cruise.ts'
import { commentOf, headerOf } from '../../scripts/generate/source.ts'
import { migrations } from '../../store/migrate.ts'

const read = (path: string): string => readFileSync(path, 'utf8')
const isTest = (path: string): boolean => path.endsWith('.test.ts')
const isGenerated = (path: string): boolean => path.endsWith('.generated.ts')
const files = sourceFiles()
const modules = files.filter((path) => !isGenerated(path))
const product = modules.filter((path) => !isTest(path) && !/^(test|scripts|bench|evals)\//.test(path) && path.includes('/'))

const namesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && !isTest(name) && !isGenerated(name))
    .map((name) => name.replace(/\.ts$/, ''))
    .sort()
const foldersIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
const camel = (kebab: string): string => kebab.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())

describe('file, registry and name agree', () => {
  it('for collectors: the folder is the name', () => {
    expect(collectors.map(({ name }) => name)).toEqual(foldersIn('collectors'))
  })

  it('for correlation rules: the file is the name', () => {
    expect(correlationRules.map(({ name }) => name)).toEqual(namesIn('incidents/rules'))
  })

  it('for families of detections: the file is the name', () => {
    expect(families.map(({ name }) => name)).toEqual(namesIn('agent/playbook/families'))
  })

  it('for response actions: folder and file are the name', () => {
    const inFiles = foldersIn('responses/catalog').flatMap((system) =>
      namesIn(`responses/catalog/${system}`).map((file) => `${system}.${file.replaceAll('-', '_')}`),
    )
    expect(actions.map(({ name }) => name).sort()).toEqual(inFiles.sort())
    for (const { name } of actions) expect(name).toMatch(/^[a-z]+\.[a-z]+(_[a-z]+)+$/)
  })

  it('for commands: every file is one command', () => {
    expect(commands.length).toBe(namesIn('apps/cli/commands').length)
  })

  it('for migrations: numbered without a gap, and all of them run', () => {
    const names = namesIn('store/migrations')
    expect(Object.keys(migrations).sort()).toEqual(names)
    names.forEach((name, index) => expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}-[a-z-]+$`)))
  })

  it.each(scenarioNames())('for the scenario %s: it can be loaded and has records', (name) => {
    const { alerts, audit } = loadScenario(name, new Date())
    expect(alerts.length + audit.length).toBeGreaterThan(0)
  })

  it('for the built-in policy: it speaks of every action and of no other', () => {
    expect(Object.keys(loadPolicy().actions).sort()).toEqual(actions.map(({ name }) => name).sort())
  })

  it('for what cannot be undone: each action says so, or how it is undone', () => {
    for (const { name, description } of actions) expect(`${name}: ${description}`).toMatch(/[Uu]ndone|Changes nothing/)
  })
})

describe('modules', () => {
  const plugIn = /^(graph\/steps|tools\/(?:catalog|resources)|incidents\/rules|agent\/playbook\/families|responses\/catalog\/[^/]+)\//
  /** What a command does is its own --help. */
  const selfDescribing = /^apps\/cli\/commands\//

  it('say at their head what they own; a plug-in says it above its export', () => {
    const mute = product.filter((path) => {
      if (selfDescribing.test(path)) return false
      const source = read(path)
      const named = ['', 'Tool', 'Resource'].map((suffix) => `${camel(basename(path, '.ts'))}${suffix}`)
      return headerOf(source) === '' && !(plugIn.test(path) && named.some((name) => commentOf(source, name) !== ''))
    })
    expect(mute).toEqual([])
  })

  it('say it in at most five lines', () => {
    expect(modules.filter((path) => headerOf(read(path)).split('\n').length > 5)).toEqual([])
  })

  it('have at most 300 lines', () => {
    expect(product.filter((path) => read(path).split('\n').length - 1 > 300)).toEqual([])
  })

  it('are named in kebab-case, by what they are for', () => {
    const named = (path: string): boolean => /^[a-z0-9]+([-.][a-z0-9]+)*\.ts$/.test(basename(path))
    expect(files.filter((path) => !named(path))).toEqual([])
    expect(files.filter((path) => /(^|[/-])(utils?|helpers?|common|misc|managers?)([./-]|$)/.test(path))).toEqual([])
  })

  it('read the environment only in config/', () => {
    const reads =
      /process\s*\.\s*env\b|process\s*\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(node:)?process'/
    expect(product.filter((path) => !path.startsWith('config/') && reads.test(read(path)))).toEqual([])
    expect(reads.test(read('config/config.ts'))).toBe(true)
  })

  it('leave nothing for later, and switch no check off without a reason', () => {
    // Written so that these lines do not find themselves.
    const promises = /TO[D]O|FIX[M]E|@ts-(i[g]nore|n[o]check|e[x]pect-error)|\.(o[n]ly|s[k]ip|t[o]do)\(/
    expect(modules.filter((path) => promises.test(read(path)))).toEqual([])
    const silenced = modules.flatMap((path) => read(path).match(/(ox|es)lint-disable.*/g) ?? [])
    expect(silenced.filter((comment) => !/ -- \S.{10,}/.test(comment))).toEqual([])
  })

  it('live in a room of the plan', () => {
    const rooms = new Set(files.filter((path) => path.includes('/')).map((path) => path.slice(0, path.indexOf('/'))))
    const plan = read('ARCHITECTURE.md')
    expect([...rooms].filter((room) => !plan.includes(`\`${room}/\``))).toEqual([])
  })
})

describe('the documents', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...namesOfDocs()]
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

  it.each(documents)('%s: what it tells people to run exists', (path) => {
    const text = read(path)
    const named = [...text.matchAll(/npm run ([a-z][\w:-]*)/g)].map((match) => match[1] as string)
    const bare = [...text.matchAll(/npm (start|test)\b/g)].map((match) => match[1] as string)
    expect([...named, ...bare].filter((name) => scripts[name] === undefined)).toEqual([])
    const typed = [...text.matchAll(/(?:\.\/bin\/falconer|(?<=[`$] ?)falconer) ([a-z][a-z-]+)/g)].map((match) => match[1] as string)
    expect(typed.filter((name) => !namesIn('apps/cli/commands').includes(name))).toEqual([])
  })

  it.each(documents)('%s: every variable it names is one', (path) => {
    const named = new Set(read(path).match(/\bFALCONER_[A-Z_]*[A-Z]\b/g))
    const known = (name: string): boolean =>
      Object.hasOwn(Config.shape, name.replace(/_FILE$/, '')) ||
      /^FALCONER_(TEST_|FULL$|FIGURES$|SEED$|SCREENSHOTS$|CONFORMANCE_DATA$|REQUIRE_ALL$)/.test(name)
    expect([...named].filter((name) => !known(name))).toEqual([])
  })

  it.each(documents)('%s: every link to a file leads to one', (path) => {
    const targets = [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => match[1] as string)
    expect(targets.filter((target) => !existsSync(join(dirname(path), target)))).toEqual([])
  })

  it('README.md begins with commands that exist', () => {
    expect(read('README.md')).toContain('npm ci && npm test')
    expect(read('README.md')).toContain('npm ci && npm run demo')
  })
})

function namesOfDocs(): string[] {
  return readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort()
}
