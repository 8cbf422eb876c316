/**
 * Intake: everything one delivery holds, in one transaction; answered only after commit. A batch that the
 * database refuses is halved until the poisoned record stands alone: it becomes a dead letter, its neighbours stay.
 */
import { sql } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import { toDate } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { NewScan } from '../domain/finding.ts'
import { insertActivities } from './activities.ts'
import { insertAdvisories } from './advisories.ts'
import { insertAliases } from './aliases.ts'
import { reconsiderSessions } from './cloud-sessions.ts'
import { newIdAt } from '../domain/ids.ts'
import { insertAlerts, rawColumns } from './alerts.ts'
import { type Database, isConflict, isRefusedData, type Transaction } from './database.ts'
import { insertDeadLetters } from './dead-letters.ts'
import { countRecords, type Delivery, emptyDelivery, isOwnRecord, kinds, type Records } from './delivery.ts'
import { upsertFalcoRules } from './falco-rules.ts'
import { deriveAround } from './finding-life.ts'
import { markClouds, markUnits, markUsersOfImages, markWhatRuns, unitsOf } from './graph-units.ts'
import { insertFindings } from './findings.ts'
import { noteSensors, type SensorReport } from './internal-messages.ts'
import { type Observed, upsertInventory } from './observe.ts'
import { notePulled } from './pulls.ts'
import { reconsider } from './reconsider.ts'
import { endScan, type KnownScan, lockTargets, scanKey, type ScanSource, upsertScans } from './scans.ts'
import { addToSource, noTally, sum, type Tally } from './sources.ts'
import { escapeDeep } from './values.ts'

/** Stores deliveries together, in one commit. Answers a tally per delivery, in order. */
export async function accept(db: Database, clock: Clock, deliveries: readonly Delivery[]): Promise<Tally[]> {
  try {
    return await retried(() => db.transaction((tx) => write(tx, clock, deliveries)))
  } catch (error) {
    if (!isRefusedData(error)) throw error
    if (deliveries.length > 1) {
      const middle = deliveries.length >> 1
      return [...(await accept(db, clock, deliveries.slice(0, middle))), ...(await accept(db, clock, deliveries.slice(middle)))]
    }
    const [only] = deliveries
    return only === undefined ? [] : [await acceptHalved(db, clock, only, error)]
  }
}

/** Two servers that write the same records may wait for each other in a circle; the database ends one of them, to be tried again. */
async function retried<T>(work: () => Promise<T>, times = 5): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (times <= 1 || !isConflict(error)) throw error
    return retried(work, times - 1)
  }
}

type Piece = { [Kind in keyof Records]: { in: Kind; record: Records[Kind][number] } }[keyof Records]

async function acceptHalved(db: Database, clock: Clock, delivery: Delivery, cause: unknown): Promise<Tally> {
  const pieces = kinds.flatMap((name) => delivery[name].map((record) => ({ in: name, record }) as Piece))
  const [poisoned] = pieces
  if (poisoned === undefined) throw cause
  if (pieces.length > 1) {
    const middle = pieces.length >> 1
    const half = (from: number, to: number, rest: Pick<Delivery, 'deadLetters' | 'pulled'>): Delivery => {
      const part: Delivery = { ...emptyDelivery(delivery), ...rest }
      for (const piece of pieces.slice(from, to)) (part[piece.in] as unknown[]).push(piece.record)
      return part
    }
    return sum([
      ...(await accept(db, clock, [half(0, middle, { deadLetters: delivery.deadLetters, pulled: [] })])),
      ...(await accept(db, clock, [half(middle, pieces.length, { deadLetters: [], pulled: delivery.pulled })])),
    ])
  }
  const reason = `The database refused this record: ${cause instanceof Error ? cause.message : String(cause)}`
  if (poisoned.in === 'findings') await tellIncomplete(db, clock, delivery, poisoned.record.scan)
  const bytes = 'raw' in poisoned.record ? poisoned.record.raw : Buffer.from(stringifyExact(poisoned.record))
  const deadLetters = [...delivery.deadLetters, { at: 'record', reason, bytes }]
  return sum(await accept(db, clock, [{ ...emptyDelivery(delivery), deadLetters, pulled: delivery.pulled }]))
}

/** A scan of which a finding could not be stored says nothing by what it does not list. Of one that is refused itself nothing is stored that could. */
async function tellIncomplete(db: Database, clock: Clock, delivery: Delivery, scan: NewScan): Promise<void> {
  const scans = [{ scan, end: { findings: 0, failed: 'the database refused one of its entries' } }]
  try {
    await retried(() => db.transaction((tx) => write(tx, clock, [{ ...emptyDelivery(delivery), sourceId: null, scans }])))
  } catch (error) {
    if (!isRefusedData(error)) throw error
  }
}

/** Kind by kind and in one order, whatever the order of the deliveries: two servers must not wait for each other. */
async function write(tx: Transaction, clock: Clock, deliveries: readonly Delivery[]): Promise<Tally[]> {
  const now = clock.now()
  const batch = deliveries.flatMap((delivery, index) =>
    delivery.alerts.map((alert) => ({ index, id: newIdAt(now), receivedAt: now, sourceId: delivery.sourceId, alert })),
  )
  const freshIds = batch.length === 0 ? new Set<string>() : await insertAlerts(tx, batch)
  const freshAlerts = countBy(batch.filter((entry) => freshIds.has(entry.id) && isOwnRecord(entry.alert)))
  const freshInternals = await insertInternals(tx, deliveries, now)
  const observed = new Map<Delivery, Observed>()
  for (const delivery of deliveries)
    if (delivery.entities.length + delivery.relations.length > 0) observed.set(delivery, await upsertInventory(tx, delivery))
  await reconsider(
    tx,
    [...observed.values()].flatMap((found) => found.news),
  )
  await markUnits(
    tx,
    [...observed.values()].flatMap(({ differing }) => differing.flatMap(unitsOf)),
    now,
  )
  if ([...observed.values()].some(({ assumed }) => assumed)) await markClouds(tx, now)
  await lockTargets(
    tx,
    deliveries.flatMap(({ findings, scans }) => [...findings, ...scans].map(({ scan }) => scan)),
  )
  const posture = new Map<Delivery, number>()
  for (const delivery of deliveries) posture.set(delivery, await writePosture(tx, delivery, now))
  await insertDeadLetters(
    tx,
    deliveries.flatMap(({ deadLetters, scope, sourceId }) =>
      deadLetters.map(({ at, reason, bytes }) => ({ scope, sourceId, receivedAt: now, place: at, reason, raw: bytes })),
    ),
  )
  const pulled = deliveries.flatMap((delivery) => delivery.pulled)
  await notePulled(tx, pulled, now)
  const tallies = deliveries.map((delivery, index): Tally => {
    const internal = freshInternals.get(index) ?? 0
    const accepted = (freshAlerts.get(index) ?? 0) + (observed.get(delivery)?.changed ?? 0) + (posture.get(delivery) ?? 0)
    return { accepted, duplicates: countRecords(delivery) - accepted - internal, internal, deadLetters: delivery.deadLetters.length }
  })
  await countAtSources(tx, deliveries, tallies, now)
  return tallies
}

/** Answers how many records were new. Scans come to their end after what they found is stored. */
async function writePosture(tx: Transaction, delivery: Delivery, receivedAt: Date): Promise<number> {
  const { sourceId, receivedNs, live, activities, findings, scans, aliases, advisories, falcoRules } = delivery
  let fresh = 0
  if (activities.length > 0) {
    const added = await insertActivities(tx, activities, { sourceId, receivedAt })
    await reconsiderSessions(tx, added)
    fresh += added.length
  }
  if (advisories.length > 0) fresh += await writeAdvisories(tx, advisories, receivedAt)
  if (falcoRules.length > 0) fresh += await upsertFalcoRules(tx, falcoRules, { sourceId, loadNs: receivedNs })
  if (aliases.length > 0) await insertAliases(tx, aliases, sourceId)
  const source = { sourceId, receivedAt, live }
  if (findings.length > 0) fresh += await insertFindings(tx, findings, source)
  if (scans.length > 0) await endScans(tx, scans, source)
  await markScanned(tx, delivery, receivedAt)
  return fresh
}

async function writeAdvisories(tx: Transaction, advisories: Delivery['advisories'], at: Date): Promise<number> {
  const fresh = await insertAdvisories(tx, advisories)
  if (fresh > 0) await markWhatRuns(tx, at)
  return fresh
}

async function endScans(tx: Transaction, scans: Delivery['scans'], source: ScanSource): Promise<void> {
  const known = await upsertScans(
    tx,
    scans.map(({ scan }) => scan),
    source,
  )
  const ended: bigint[] = []
  for (const { scan, end } of scans) {
    const { id } = known.get(scanKey(scan)) as KnownScan
    if (await endScan(tx, id, end, source.receivedAt)) ended.push(id)
  }
  if (ended.length > 0) await deriveAround(tx, ended)
  if (scans.some(({ scan: { target } }) => target.kind === 'cloud_account')) await markClouds(tx, source.receivedAt)
}

/** What runs the images that were looked at, or that two digests were said to be one of. */
async function markScanned(tx: Transaction, { findings, scans, aliases }: Delivery, at: Date): Promise<void> {
  const looked = [
    ...findings.flatMap(({ resource, scan }) => [{ of: resource, scan }]),
    ...scans.map(({ scan }) => ({ of: scan.target, scan })),
  ]
  const images = looked.filter(({ of }) => of.kind === 'image')
  const keys = [...images.map(({ of }) => of.key), ...aliases.flatMap(({ key, alsoKey }) => [key, alsoKey])]
  await markUsersOfImages(tx, [...new Set(keys)].sort(), [...new Set(images.map(({ scan }) => scan.scope))].sort(), at)
}

const countBy = (entries: readonly { index: number }[]): Map<number, number> =>
  new Map([...Map.groupBy(entries, ({ index }) => index)].map(([index, found]) => [index, found.length]))

async function countAtSources(tx: Transaction, deliveries: readonly Delivery[], tallies: readonly Tally[], at: Date): Promise<void> {
  const bySource = Map.groupBy([...deliveries.entries()], ([, delivery]) => delivery.sourceId ?? '')
  for (const [sourceId, entries] of [...bySource].sort(([x], [y]) => (x < y ? -1 : 1))) {
    if (sourceId === '') continue
    const alerts = entries.flatMap(([, delivery]) => delivery.alerts)
    await addToSource(tx, sourceId, sum(entries.map(([index]) => tallies[index] ?? noTally)), {
      at,
      eventAt: newestEvent(entries.flatMap(([, delivery]) => [...delivery.alerts, ...delivery.activities])),
      truncated: alerts.filter(({ truncated }) => truncated.length > 0).length,
    })
  }
}

function newestEvent(alerts: readonly { eventNs: bigint }[]): Date | null {
  let newest: bigint | null = null
  for (const alert of alerts) if (newest === null || alert.eventNs > newest) newest = alert.eventNs
  return newest === null ? null : toDate(newest)
}

/** Answers how many of each delivery, by its place, were new. */
async function insertInternals(tx: Transaction, deliveries: readonly Delivery[], now: Date): Promise<Map<number, number>> {
  const unique = new Map<string, { index: number; row: Record<string, unknown> & { id: string }; report: SensorReport }>()
  for (const [index, { scope, sourceId, internals }] of deliveries.entries())
    for (const { contentKey, name, hostname, fields, eventNs, raw } of internals) {
      const own = { id: newIdAt(now), source_id: sourceId, content_key: contentKey, event_ns: eventNs, ...rawColumns(raw) }
      const key = `${scope}\n${contentKey}`
      const report = { scope, sourceId, name, eventNs, hostname, fields }
      if (!unique.has(key)) unique.set(key, { index, row: { ...escapeDeep({ scope, name, hostname, fields }), ...own }, report })
    }
  if (unique.size === 0) return new Map()
  const entries = [...unique.entries()].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, entry]) => entry)
  const fresh = await tx.query(sql<{
    id: string
  }>`insert into internal_messages (scope, content_key, id, source_id, received_at, name, event_ns, hostname, fields, raw)
    select scope, decode(content_key, 'hex'), id, source_id, ${now}, name, event_ns, hostname, fields, coalesce(convert_to(raw_text, 'UTF8'), decode(raw_hex, 'hex'))
    from jsonb_to_recordset(${stringifyExact(entries.map((entry) => entry.row))}::jsonb)
      as r(scope text, source_id uuid, content_key text, id uuid, name text, event_ns bigint, hostname text, fields jsonb, raw_text text, raw_hex text)
    on conflict (scope, content_key) do nothing returning id::text`)
  const ids = new Set(fresh.map((row) => row.id))
  const stored = entries.filter(({ row }) => ids.has(row.id))
  await noteSensors(
    tx,
    stored.map(({ report }) => report),
    now,
  )
  return countBy(stored)
}
