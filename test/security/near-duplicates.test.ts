/**
 * Guarantee 26: alerts that differ in one place only are never merged, and one that is sent again, in whatever form, by whatever
 * way, at whatever moment, is one alert whose `seen` counts every time.
 */
import { sql } from 'kysely'
import { describe, expect, it, vi } from 'vitest'
import { deliver } from '../../apps/server/deliver.ts'
import { composeFalconer, type Falconer } from '../../apps/server/falconer.ts'
import { IntakeQueue } from '../../apps/server/intake-queue.ts'
import { listen } from '../../apps/server/listen.ts'
import { loadConfig } from '../../config/config.ts'
import { systemClock } from '../../domain/clock.ts'
import { documentKey } from '../../domain/document-key.ts'
import type { Database } from '../../store/database.ts'
import { eachDatabase, serverUrl } from '../support/database.ts'
import { lineOf, post, randomFrom } from '../support/ingest-load.ts'
import { prepareHome } from '../support/ingest-server.ts'
import { baseDocument, differences, type Node, written } from '../support/ingest-near-duplicates.ts'
import { cases, full, seed } from '../support/sizes.ts'
import { saidField } from '../support/said.ts'

vi.setConfig({ testTimeout: full ? 7_200_000 : 300_000 })

const kinds = Object.keys(differences)
const queueLimits = { maxWaitingBytes: 64 * 1024 * 1024, maxBatchBytes: 4 * 1024 * 1024 }
const pairsOfBatch = 125

type Sent = { scope: string; document: Node; pair: number; what: string; forms: Set<string>; times: number }

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}

/** Pairs of alerts, each alert one to three times in one form or another; to the front door by two servers' queues at once. */
class Batch {
  readonly all: Sent[] = []
  readonly #bodies = new Map<string, string[]>()

  constructor(from: number, random: () => number) {
    const lines: { scope: string; line: string }[] = []
    for (let pair = from; pair < from + pairsOfBatch; pair += 1) {
      const base = baseDocument(pair, random)
      const what = pair % (kinds.length + 1) === kinds.length ? 'the scope' : (kinds[pair % (kinds.length + 1)] as string)
      const other = what === 'the scope' ? base : (differences[what] as (document: Node) => Node)(base)
      for (const [scope, document] of [['lab', base] as const, [what === 'the scope' ? 'other' : 'lab', other] as const]) {
        const sent: Sent = { scope, document, pair, what, forms: new Set(), times: 0 }
        for (let times = 1 + Math.floor(random() * 3); times > 0; times -= 1) {
          const line = written(document, sent.times === 0 || random() < 0.5 ? null : random)
          sent.forms.add(line)
          sent.times += 1
          lines.push({ scope, line })
        }
        this.all.push(sent)
      }
    }
    for (const { scope, line } of shuffled(lines, random)) this.#bodies.set(scope, [...(this.#bodies.get(scope) ?? []), line])
  }

  async send(desks: readonly Falconer[]): Promise<void> {
    const posts = [...this.#bodies].flatMap(([scope, lines]) => {
      const size = Math.ceil(lines.length / 4)
      return Array.from({ length: 4 }, (_, part) => ({ scope, body: lines.slice(part * size, (part + 1) * size).join('\n') }))
    })
    await Promise.all(
      posts.filter(({ body }) => body !== '').map(({ scope, body }, index) => push(desks[index % desks.length] as Falconer, scope, body)),
    )
  }

  /** What is stored of these pairs: each alert once, in a form it was sent in, counted as often as it was sent. */
  async judge(db: Database): Promise<void> {
    const [first, last] = [this.all[0]?.pair, this.all.at(-1)?.pair]
    const rows = await db.query(
      sql<{ scope: string; raw: Buffer; seen: bigint }>`select a.scope, a.raw, k.seen from alerts a
        join alert_keys k on k.scope = a.scope and k.content_key = a.content_key and k.alert_id = a.id
        where ${saidField('pair')}::int between ${first} and ${last}`,
    )
    const stored = Map.groupBy(rows, ({ scope, raw }) => `${scope} ${raw.toString()}`)
    for (const { scope, forms, times, what, document } of this.all) {
      const found = [...forms].flatMap((form) => stored.get(`${scope} ${form}`) ?? [])
      expect(found.length, `${what}: stored ${found.length} times of ${written(document, null)}`).toBe(1)
      expect(found[0]?.seen, `${what}: ${written(document, null)}`).toBe(BigInt(times))
    }
    expect(rows.length).toBe(this.all.length)
  }
}

const desk = (db: Database): Falconer =>
  ({ clock: systemClock, intake: new IntakeQueue(db, systemClock, queueLimits) }) as unknown as Falconer
const push = (falconer: Falconer, scope: string, body: string): ReturnType<typeof deliver> =>
  deliver(
    falconer,
    (async function* () {
      yield Buffer.from(body)
    })(),
    { path: 'ingest', format: 'falco', source: { id: null, name: 'falco', scope }, strict: true },
  )

eachDatabase('nearly the same', (database) => {
  it('guarantee 26: pairs that differ in one place are two alerts, each counted as often as it was sent', async ({ task }) => {
    const db = database()
    const random = randomFrom(seed)
    const desks = [desk(db), desk(db)]
    const pairs = Math.ceil(cases(100_000) / pairsOfBatch) * pairsOfBatch
    for (let from = 0; from < pairs; from += pairsOfBatch) {
      const batch = new Batch(from, random)
      await batch.send(desks)
      await batch.judge(db)
    }
    const [dead] = await db.query(sql<{ dead: bigint }>`select count(*) as dead from dead_letters`)
    expect(dead?.dead).toBe(0n)
    Object.assign(task.meta, { cases: pairs })
  })

  it('guarantee 26: one body by eight ways at once, and twice in itself, is one alert an event', async () => {
    const db = database()
    const desks = [desk(db), desk(db), desk(db), desk(db)]
    for (let round = 0; round < 10; round += 1) {
      const lines = Array.from({ length: 20 }, (_, index) => lineOf(1_000_000 + round * 20 + index))
      const body = [...lines, ...lines].join('\n')
      const told = await Promise.all(Array.from({ length: 8 }, (_, way) => push(desks[way % 4] as Falconer, 'ways', body)))
      expect(told.reduce((sum, { tally }) => sum + tally.accepted, 0)).toBe(20)
      expect(told.reduce((sum, { tally }) => sum + tally.duplicates, 0)).toBe(20 * 15)
    }
    const rows = await db.query(sql<{
      alerts: bigint
      least: bigint
      most: bigint
    }>`select count(*) as alerts, min(k.seen) as least, max(k.seen) as most
      from alerts a join alert_keys k on k.alert_id = a.id where a.scope = 'ways'`)
    expect(rows).toEqual([{ alerts: 200n, least: 16n, most: 16n }])
  })
})

describe.each([
  ['embedded', false],
  ['server', serverUrl === undefined],
] as const)('sent again over HTTP, %s database', (kind, skip) => {
  it.skipIf(skip)('guarantee 26: by eight connections at once and after a restart it is still one alert', async () => {
    const home = await prepareHome(kind)
    const config = loadConfig({ FALCONER_DATA: home.folder, FALCONER_PORT: '0', FALCONER_LOG: 'silent' }, {})
    for (let start = 1; start <= 3; start += 1) {
      const falconer = await composeFalconer(config, { database: await home.open(), as: 'command' })
      const server = await listen(falconer)
      const url = `${server.url.replace('localhost', '127.0.0.1')}/ingest/falco/${home.secret}`
      const answers = await Promise.all(Array.from({ length: 8 }, () => post(url, lineOf(7))))
      const told = answers.map(({ text }) => JSON.parse(text) as { accepted: number; duplicates: number })
      expect(told.reduce((sum, one) => sum + one.accepted, 0)).toBe(start === 1 ? 1 : 0)
      expect(told.reduce((sum, one) => sum + one.duplicates, 0)).toBe(start === 1 ? 7 : 8)
      const rows = await falconer.db.query(sql<{ seen: bigint }>`select k.seen from alerts a join alert_keys k on k.alert_id = a.id`)
      expect(rows).toEqual([{ seen: BigInt(start * 8) }])
      await server.close()
      await falconer.close()
    }
    await home.drop()
  })
})

describe('the key', () => {
  it('is another for every difference there is, and the same in every form; a key of parsed values would merge some', () => {
    const random = randomFrom(seed)
    const base = baseDocument(1, random)
    const of = (document: Node): string => documentKey(written(document, null), 'lab')
    const keys = new Set([of(base), ...kinds.map((what) => of((differences[what] as (document: Node) => Node)(base)))])
    expect(keys.size).toBe(kinds.length + 1)
    for (let form = 0; form < 200; form += 1) expect(documentKey(written(base, random), 'lab')).toBe(of(base))
    const careless = (document: Node): string => JSON.stringify(JSON.parse(written(document, null)))
    const merged = kinds.filter((what) => careless((differences[what] as (document: Node) => Node)(base)) === careless(base))
    expect(merged).toEqual(
      expect.arrayContaining(['an integer as a fraction', 'an integer with an exponent', 'a digit beyond a double', 'minus zero']),
    )
  })
})
