/**
 * A scenario as a whole Falconer knows it: its files taken in by the real collectors, each source when it was last heard, correlated, its attack steps
 * derived, in a throwaway database of its own. Every world starts from one prepared template.
 */
import { readInput } from '../collectors/read.ts'
import { type Clock, FixedClock } from '../domain/clock.ts'
import { InvariantError } from '../domain/errors.ts'
import { parseEventTime } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { deriveMarked } from '../graph/derive.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { addRecord, emptyDelivery } from '../store/delivery.ts'
import { dumpTemplate } from '../store/embedded.ts'
import { accept } from '../store/intake.ts'
import { ensurePartitions } from '../store/partitions.ts'
import { createSource } from '../store/sources.ts'
import { type Document, type Scenario, toJsonLines } from './scenario.ts'
import { latest, recordedTimes } from './times.ts'

/** The cluster’s name in every world. */
export const cluster = 'prod'
export type World = { db: Database; clock: Clock; scenario: Scenario; close(): Promise<void> }

/** The prepared database that worlds start from; a few seconds, once. */
export const worldTemplate = (): Promise<Blob> => dumpTemplate(async (pglite) => void (await (await openDatabase({ pglite })).close()))

export async function openWorld(template: Blob, scenario: Scenario): Promise<World> {
  const db = await openDatabase({ dataDir: undefined, template, migrate: false })
  try {
    const ends = millis(latest(recordedTimes(scenario))) + 60_000
    await ensurePartitions(db, new Date(ends))
    for (const input of inputsOf(scenario).sort((a, b) => a.at - b.at)) await take(db, input)
    const clock = new FixedClock(new Date(ends))
    while ((await correlatePending(db, clock)).more);
    while ((await deriveMarked(db, clock)).more);
    return { db, clock, scenario, close: () => db.close() }
  } catch (error) {
    await db.close()
    throw error
  }
}

/** `at`: when the last of it came, milliseconds since 1970. */
type Input = { source: string; collector: string; scope: string; text: string; at: number }

function inputsOf(scenario: Scenario): Input[] {
  const { alerts, audit, cloudtrail, objects, trivy } = scenario
  const all = recordedTimes(scenario)
  const first = millis(all.reduce((found, time) => (time < found ? time : found), all[0] ?? 0n))
  const at = (part: Partial<Pick<Scenario, 'alerts' | 'audit' | 'cloudtrail'>>): number =>
    millis(latest(recordedTimes({ alerts: [], audit: [], cloudtrail: [], ...part })))
  const input = (collector: string, text: string, when: number, scope = cluster): Input => ({
    source: collector,
    collector,
    scope,
    text,
    at: when,
  })
  return [
    ...(objects.length === 0
      ? []
      : [input('kubernetes', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }), first - 600_000)]),
    ...(trivy === null ? [] : [input('trivy', stringifyExact(trivy), millis(parseEventTime(trivy.CreatedAt) ?? 0n))]),
    ...(audit.length === 0 ? [] : [input('kubernetes-audit', toJsonLines(audit), at({ audit }))]),
    ...(cloudtrail.length === 0
      ? []
      : [input('cloudtrail', stringifyExact({ Records: cloudtrail }), at({ cloudtrail }), accountOf(cloudtrail))]),
    ...(alerts.length === 0 ? [] : [input('falco', toJsonLines(alerts), at({ alerts }))]),
  ]
}
const millis = (ns: bigint): number => Number(ns / 1_000_000n)
const accountOf = (records: readonly Document[]): string => String(records[0]?.recipientAccountId)

async function take(db: Database, { source: name, collector, scope, text, at }: Input): Promise<void> {
  const clock = new FixedClock(new Date(at + 1_000))
  const source = await createSource(db, { name, collector, scope, secret: null, at: clock.now() })
  const sourceId = source?.id ?? null
  const receivedNs = BigInt(clock.now().getTime()) * 1_000_000n
  async function* bytes(): AsyncIterable<Uint8Array> {
    yield Buffer.from(text)
  }
  await readInput(bytes(), {
    path: name,
    format: collector,
    source: { sourceId, sourceName: name, scope, receivedNs },
    onBatch: async ({ records, deadLetters, inventory }) => {
      const [dead] = deadLetters
      if (dead !== undefined) throw new InvariantError(`A scenario’s ${name} has what cannot be read at ${dead.at}: ${dead.reason}`)
      const delivery = emptyDelivery({ sourceId, scope, receivedNs, live: true, inventory })
      for (const record of records) addRecord(delivery, record)
      await accept(db, clock, [delivery])
    },
  })
}
