/**
 * `npm run bench -- tools`: how long each tool takes (median and 95th percentile) and how many bytes it answers, on Postgres with 1,000,000 alerts, 100,000
 * entities and 1,000,000 findings, and on the embedded database with a tenth. `--estate 0.1` makes all of it a tenth, `--tool NAME` asks one alone. The baseline is a round trip.
 */
import { sql } from 'kysely'
import { composeFalconer, type Falconer } from '../apps/server/falconer.ts'
import { loadConfig } from '../config/config.ts'
import { ConfigError, InputError, NotFoundError } from '../domain/errors.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { operatorPrincipal } from '../domain/principal.ts'
import type { Database } from '../store/database.ts'
import { propose } from '../responses/propose.ts'
import { listEntities } from '../store/entities.ts'
import { callsOf, type Known, knownOf } from '../test/support/tool-arguments.ts'
import { tools as catalog } from '../tools/catalog/registry.generated.ts'
import type { Tool, ToolContext } from '../tools/tool.ts'
import { type Bench, type Comparison, median, percentile, timed } from './bench.ts'
import { type Measured, onBoth } from './bench-database.ts'
import { fillFindings } from './fix-first-estate.ts'
import { fillEstate } from './graph-estate.ts'
import { layOut } from './graph-layout.ts'
import { fillStore, takeText } from './many-alerts.ts'

const million = 1_000_000
/** Of each tool so many calls, spread over those that can be made of what there is. */
const asks = 60
type Tell = (text: string) => void

export const tools: Bench = {
  name: 'tools',
  title: 'Tools of MCP',
  run(_runs, progress, { estate, tool }) {
    const asked = catalog.filter(({ access, name }) => access === 'read' && (tool === undefined || tool === name))
    if (asked.length === 0) throw new InputError(`There is no tool ${tool} that reads.`)
    return onBoth(progress, ({ on, folder, open }) => measure(on, open, folder, asked, on === 'embedded' ? estate / 10 : estate, progress))
  },
}

async function measure(
  title: string,
  open: Measured['open'],
  folder: string,
  asked: readonly Tool[],
  scale: number,
  progress: Tell,
): Promise<Comparison[]> {
  const tell: Tell = (text) => progress(`${title}: ${text}`)
  const database = await open()
  const config = loadConfig({ FALCONER_DATA: folder, FALCONER_LOG: 'error' }, {})
  const falconer = await composeFalconer(config, { database, as: 'command' })
  try {
    await fillEstate(database, layOut(scale), tell)
    await fillFindings(database, Math.round(million * scale), tell)
    await fillStore(database, Math.max(1, Math.round((million * scale) / 10_000)) * 10_000, tell)
    await loadRules(database)
    await proposeSome(falconer)
    const known = await knownOf(
      { db: database, clock: falconer.clock as never },
      ['Noted by a benchmark'],
      ['shell', 'checkout', 'CVE-2021'],
    )
    const roundTrip = await timed(asks, async () => database.query(sql`select 1`))
    const comparisons: Comparison[] = []
    for (const tool of asked) comparisons.push(...(await ofTool(tool, falconer, known, roundTrip, title, tell)))
    return comparisons
  } finally {
    await falconer.close()
  }
}

/** A rules file as long as Falco's own: the rules that fired, each of macros of its own, and as many that did not. */
async function loadRules(db: Database): Promise<void> {
  const fired = (await db.query(sql<{ rule: string }>`select distinct rule from alerts`)).map(({ rule }) => rule)
  const rules = [...fired, ...Array.from({ length: 80 }, (_, at) => `Rule ${at} of a benchmark`)].flatMap((rule, at) => [
    { list: `shells_${at}`, items: ['bash', 'sh', 'zsh'] },
    { macro: `spawned_${at}`, condition: `evt.type in (execve, execveat) and proc.name in (shells_${at})` },
    {
      rule,
      desc: 'A shell in a container',
      condition: `spawned_${at} and container.id != host`,
      output: 'Shell (%proc.cmdline)',
      priority: 'NOTICE',
    },
  ])
  await takeText(db, JSON.stringify(rules), { path: 'falco_rules.yaml', format: 'falco-rules' })
}

/** Reading logs of some Pods, asked for by a person: what there is to list and to read. */
async function proposeSome({ db, responses }: Falconer): Promise<void> {
  for (const { id } of await listEntities(db, { kind: 'pod', limit: 100 }))
    await propose(
      responses,
      { principal: operatorPrincipal, channel: 'cli' },
      {
        action: 'kubernetes.collect_logs',
        entityId: String(id),
        params: {},
        reason: 'To be listed.',
        incidentId: null,
        investigationId: null,
      },
    )
}

async function ofTool(tool: Tool, falconer: Falconer, known: Known, roundTrip: number[], title: string, tell: Tell): Promise<Comparison[]> {
  const calls = callsOf(tool, known)
  const context = contextOf(falconer)
  const bytes: number[] = []
  let refused = 0
  const ask = async (at: number): Promise<void> => {
    try {
      const answer = await tool.run(tool.input.parse(calls[at % calls.length]) as never, context)
      bytes.push(Buffer.byteLength(stringifyExact(tool.output.parse(answer))))
    } catch (error) {
      if (!(error instanceof InputError || error instanceof NotFoundError || error instanceof ConfigError)) throw error
      refused += 1
    }
  }
  await ask(0)
  const samples = await timed(asks, ask)
  const size = bytes.length === 0 ? 'refused' : `${Math.round(median(bytes))} bytes, at most ${Math.max(...bytes)}`
  tell(`${tool.name}: ${size}${refused === 0 ? '' : `, ${refused} refused`}`)
  if (bytes.length === 0) return []
  const row = (what: string, share: number): Comparison => ({
    what: `${title}: ${tool.name}${what}`,
    unit: 'ms',
    falconer: [percentile(samples, share)],
    baseline: { what: 'a round trip to the database', samples: [percentile(roundTrip, share)] },
    note: size,
  })
  return [row('', 0.5), row(', 95th percentile', 0.95)]
}

const contextOf = ({ db, clock, graph, responses }: Falconer): ToolContext =>
  ({
    db,
    clock,
    graph,
    responses,
    principal: operatorPrincipal,
    channel: 'mcp',
    pages: 'http://localhost',
    reads: () => true,
    signal: new AbortController().signal,
    progress: () => {},
  }) as ToolContext
