/** The command line's manners: help with examples, refusals with what to do, exit codes, and decisions it must not take. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram } from '../../apps/cli/program.ts'
import { progressOn } from '../../apps/cli/progress.ts'
import { composeFalconer } from '../../apps/server/falconer.ts'
import { loadConfig } from '../../config/config.ts'
import { listAudit } from '../../store/audit.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { getProposal, moveProposal } from '../../store/proposals.ts'
import { embeddedDatabase } from '../support/database.ts'
import { type Bench, caseOf, openBench, planned } from '../support/executor-bench.ts'
import { runHere, runToEnd } from '../support/process.ts'

const withSubcommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubcommands)]
const all = buildProgram().commands.filter((command) => command.name() !== 'help')

describe('help', () => {
  it('has one file per command, named after it', async () => {
    const files = (await readdir(new URL('../../apps/cli/commands', import.meta.url))).filter((file) => !file.includes('.generated.'))
    expect(all.map((command) => `${command.name()}.ts`).sort()).toEqual(files.sort())
  })

  it.each(all.flatMap(withSubcommands).map((command) => [command.name(), command] as const))(
    '%s has a description and an example',
    (_name, command) => {
      let shown = ''
      command.configureOutput({ writeOut: (text) => (shown += text) }).outputHelp()
      expect(command.description().length).toBeGreaterThan(8)
      expect(shown).toMatch(
        new RegExp(
          `Examples?:\\n(  \\$ .*\\n)*  \\$ .*falconer .*${command.parent?.name() === 'falconer' ? command.name() : command.parent?.name()}`,
        ),
      )
      for (const option of command.options) expect(option.description, option.flags).not.toBe('')
    },
  )

  it('offers --json wherever something is read or changed through the API', () => {
    const leaves = all.flatMap(withSubcommands).filter((command) => command.commands.length === 0)
    const without = leaves.filter((command) => !command.options.some((option) => option.long === '--json')).map((command) => command.name())
    // What is exported, what a client is configured with and Slack’s manifest are JSON anyway; two commands serve.
    expect(without.sort()).toEqual(['config', 'export', 'login', 'logout', 'manifest', 'migrate', 'serve', 'serve'])
  })

  it('loads nothing heavy before a command runs', async () => {
    const packages = await loadedAtOnce(resolve('apps/cli/main.ts'))
    expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual(['commander'])
  })
})

describe('usage', { timeout: 120_000 }, () => {
  it.each([
    [['--help'], 0, /Examples:[\s\S]*Exit codes: 0 /],
    [['bogus'], 2, /unknown command 'bogus'/],
    [['incident'], 2, /missing required argument 'incident'/],
    [['incidents', '--severity', 'bad'], 2, /Allowed choices are informational, low/],
    [['sources', 'nope'], 2, /no “sources nope”. There are: list, add, rotate/],
    [['demo', '--scenario', 'x'], 2, /There are: .*deploy-job-shell, everyday-noise, .*shop-checkout-intrusion/],
    [['dead-letters', 'replay'], 2, /Name the letters to replay, or give --all/],
  ] as const)('%j leaves with %i', async (args, code, says) => {
    const { code: left, output, errors } = await runHere(args)
    expect({ code: left, said: `${output}${errors}` }).toMatchObject({ code, said: expect.stringMatching(says) })
    expect(errors).not.toMatch(/ {4}at /)
  })

  it('is the same from a shell', async () => {
    expect(await runToEnd(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('Usage: falconer'), errors: '' })
    expect(await runToEnd(['bogus'])).toMatchObject({ code: 2, output: '', errors: expect.stringContaining("unknown command 'bogus'") })
  })

  it('tells every problem of the configuration at once, and no value of a secret', async () => {
    const { code, errors } = await runHere(['incidents'], {
      FALCONER_PORT: '99999',
      FALCONER_ACTIONS: 'maybe',
      FALCONER_TOKEN: 'flc_do_not_say',
    })
    expect(code).toBe(1)
    expect(errors).toMatch(/FALCONER_PORT: .*\n.*FALCONER_ACTIONS: /)
    expect(errors).not.toContain('do_not_say')
  })

  it('never calls it covered where nothing was looked at', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'falconer-empty-'))
    const { code, output } = await runHere(['coverage', '--check', '--data', empty])
    await rm(empty, { recursive: true })
    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('So nothing is known.') })
  })

  it('shows progress on one line of a terminal, and none elsewhere', () => {
    let written = ''
    const write = (text: string): void => {
      written += text
    }
    let now = 0
    const progress = progressOn({ isTTY: true, columns: 40, write }, () => now)
    progress.say('/var/log/a-folder-with-a-long-name/falco.log', '1.0 MB of 9.0 MB')
    progress.say('/var/log/a-folder-with-a-long-name/falco.log', '1.1 MB of 9.0 MB')
    now = 101
    progress.say('/var/log/a-folder-with-a-long-name/falco.log', '2.0 MB of 9.0 MB')
    progress.say('evil\u001b[2J.log')
    progress.clear()
    expect(written.split('\r\u001b[2K')).toEqual([
      '',
      '…-long-name/falco.log  1.0 MB of 9.0 MB',
      '…-long-name/falco.log  2.0 MB of 9.0 MB',
      'evil\\u{1b}[2J.log',
      '',
    ])
    written = ''
    progressOn({ write }).say('x')
    expect(written).toBe('')
  })
})

describe('deciding from the command line', { timeout: 180_000 }, () => {
  let folder: string
  let bench: Bench
  let simulated: string
  let real: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-cli-'))
    const db = await embeddedDatabase(folder)
    bench = await openBench(db)
    const until = new Date(Date.now() + 600_000)
    const [one, other] = [await planned(bench, caseOf('isolate_pod')), await planned(bench, caseOf('cordon_node'))]
    await moveProposal(db, one.id, ['pending'], { state: 'pending', expiresAt: until }, new Date())
    if (other.plan === null) throw new Error('not planned')
    await moveProposal(
      db,
      other.id,
      ['pending'],
      { state: 'pending', expiresAt: until, plan: { ...other.plan, simulated: false } },
      new Date(),
    )
    ;[simulated, real] = [one.id, other.id]
    await db.close()
  })
  afterAll(async () => {
    await bench.stop()
    await rm(folder, { recursive: true })
  })
  const falconer = (...args: string[]): ReturnType<typeof runToEnd> => runToEnd(['--data', folder, ...args])

  it('does not decide on a real target, but names the page', async () => {
    const { code, output, errors } = await falconer('approve', real)
    expect({ code, output }).toEqual({ code: 1, output: '' })
    expect(errors).toContain(`Open http://localhost:8765/proposals/${real}`)
  })

  it('approves on a simulated cluster, says when it runs, and runs nothing itself', async () => {
    expect(await falconer('approve', simulated, '--reason', 'seen it')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^prp-[0-9a-f]{10} is approved. It runs when Falconer next serves this data with its cluster, until /),
    })
    const db = await openDatabase({ dataDir: folder })
    expect((await getProposal(db, { id: real }))?.state).toBe('pending')
    expect((await getProposal(db, { id: simulated }))?.state).toBe('approved')
    expect((await listAudit(db, { subject: `proposal/${simulated}` }))[0]).toMatchObject({
      action: 'proposal approved',
      channel: 'cli',
      principal: { kind: 'operator' },
      details: { reason: 'seen it' },
    })
    expect(bench.tap.writes()).toEqual([])
    await db.close()
  })

  it('leaves alone what a server beside it is in the middle of', async () => {
    const db = await openDatabase({ dataDir: folder })
    const states = ['requested', 'planning', 'executing'] as const
    for (const state of states) {
      await moveProposal(db, real, ['pending', ...states], { state }, new Date())
      const beside = await composeFalconer(loadConfig({ FALCONER_DATA: folder, FALCONER_LOG: 'error' }, {}), {
        as: 'command',
        database: kept(db),
      })
      await beside.settle()
      await beside.close()
      expect((await getProposal(db, { id: real }))?.state).toBe(state)
    }
    await db.close()
  })
})

/** The same database, kept open when whoever uses it is done. */
const kept = (db: Database): Database => ({
  kind: db.kind,
  query: (statement) => db.query(statement),
  transaction: (work) => db.transaction(work),
  close: async () => {},
})

/** Packages and built-ins that importing this file loads, through every import that is not of types alone and not made later. */
async function loadedAtOnce(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return new Set()
  seen.add(file)
  const packages = new Set<string>()
  const imports = (await readFile(file, 'utf8')).matchAll(/^(?:import|export) (?!type )(?:[^'"]*? from )?['"]([^'"]+)['"]/gm)
  for (const [, from = ''] of imports) {
    if (!from.startsWith('.')) packages.add(from)
    else for (const name of await loadedAtOnce(resolve(dirname(file), from), seen)) packages.add(name)
  }
  return packages
}
