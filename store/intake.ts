/**
 * Intake: everything one delivery holds, in one transaction; answered only after commit. A batch that the
 * database refuses is halved until the poisoned record stands alone: it becomes a dead letter, its neighbours stay.
 */
import { sql } from 'kysely'
import { v7 } from 'uuid'
import type { NewAlert } from '../domain/alert.ts'
import type { Clock } from '../domain/clock.ts'
import type { NewEntity, NewRelation } from '../domain/entity.ts'
import { toDate } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { insertAlerts, rawColumns } from './alerts.ts'
import type { Database, Transaction } from './database.ts'
import { insertDeadLetters } from './dead-letters.ts'
import { countObjects, upsertInventory } from './entities.ts'
import { addToSource, type Tally } from './sources.ts'
import { escapeDeep } from './values.ts'

export type InternalMessage = {
  contentKey: string
  name: string
  eventNs: bigint | null
  hostname: string | null
  fields: Record<string, unknown>
  raw: Uint8Array
}
export type Delivery = {
  sourceId: string | null
  scope: string
  alerts: NewAlert[]
  internals: InternalMessage[]
  entities: NewEntity[]
  relations: NewRelation[]
  deadLetters: { at: string; reason: string; bytes: Uint8Array }[]
}

/** Stores deliveries together, in one commit. Answers a tally per delivery, in order. */
export async function accept(db: Database, clock: Clock, deliveries: readonly Delivery[]): Promise<Tally[]> {
  try {
    return await db.transaction((tx) => write(tx, clock, deliveries))
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

async function acceptHalved(db: Database, clock: Clock, delivery: Delivery, cause: unknown): Promise<Tally> {
  const { alerts, internals } = delivery
  if (alerts.length + internals.length <= 1) {
    const poisoned = alerts[0] ?? internals[0]
    if (poisoned === undefined) throw cause
    const reason = `The database refused this record: ${cause instanceof Error ? cause.message : String(cause)}`
    return sum(
      await accept(db, clock, [
        { ...delivery, alerts: [], internals: [], deadLetters: [...delivery.deadLetters, { at: 'record', reason, bytes: poisoned.raw }] },
      ]),
    )
  }
  const halves = [alerts.length >> 1, internals.length >> 1] as const
  const firstHalf = { ...delivery, alerts: alerts.slice(0, halves[0]), internals: internals.slice(0, halves[1]) }
  const secondHalf = {
    ...delivery,
    alerts: alerts.slice(halves[0]),
    internals: internals.slice(halves[1]),
    entities: [],
    relations: [],
    deadLetters: [],
  }
  return sum([...(await accept(db, clock, [firstHalf])), ...(await accept(db, clock, [secondHalf]))])
}

/** SQLSTATE class 22 (data exception), 54 (a limit: a value too large): the record's fault, not the database's. */
const isRefusedData = (error: unknown): boolean => /^(22|54)/.test((error as { code?: string } | null)?.code ?? '')

const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (total, tally) => ({
      accepted: total.accepted + tally.accepted,
      duplicates: total.duplicates + tally.duplicates,
      internal: total.internal + tally.internal,
      deadLetters: total.deadLetters + tally.deadLetters,
    }),
    { accepted: 0, duplicates: 0, internal: 0, deadLetters: 0 },
  )

async function write(tx: Transaction, clock: Clock, deliveries: readonly Delivery[]): Promise<Tally[]> {
  const now = clock.now()
  const batch = deliveries.flatMap((delivery, index) =>
    delivery.alerts.map((alert) => ({ index, id: v7({ msecs: now.getTime() }), receivedAt: now, sourceId: delivery.sourceId, alert })),
  )
  const fresh = batch.length === 0 ? new Set<string>() : await insertAlerts(tx, batch)
  const tallies: Tally[] = []
  for (const [index, delivery] of deliveries.entries()) {
    const mine = batch.filter((entry) => entry.index === index)
    const accepted = mine.filter((entry) => fresh.has(entry.id)).length
    const freshInternals = await insertInternals(tx, delivery, now)
    let changedObjects = 0
    if (delivery.entities.length + delivery.relations.length > 0) {
      changedObjects = await upsertInventory(tx, delivery.sourceId, delivery.entities, delivery.relations)
      await reconsider(tx, delivery.entities)
    }
    await insertDeadLetters(
      tx,
      delivery.deadLetters.map(({ at, reason, bytes }) => ({
        scope: delivery.scope,
        sourceId: delivery.sourceId,
        receivedAt: now,
        place: at,
        reason,
        raw: bytes,
      })),
    )
    const tally = {
      accepted: accepted + changedObjects,
      duplicates: mine.length - accepted + delivery.internals.length - freshInternals + countObjects(delivery.entities) - changedObjects,
      internal: freshInternals,
      deadLetters: delivery.deadLetters.length,
    }
    if (delivery.sourceId !== null) await addToSource(tx, delivery.sourceId, tally, { at: now, eventAt: newestEvent(delivery.alerts) })
    tallies.push(tally)
  }
  return tallies
}

function newestEvent(alerts: readonly NewAlert[]): Date | null {
  let newest: bigint | null = null
  for (const alert of alerts) if (newest === null || alert.eventNs > newest) newest = alert.eventNs
  return newest === null ? null : toDate(newest)
}

async function insertInternals(tx: Transaction, delivery: Delivery, now: Date): Promise<number> {
  if (delivery.internals.length === 0) return 0
  const unique = [...new Map(delivery.internals.map((message) => [message.contentKey, message])).values()].sort((a, b) =>
    a.contentKey < b.contentKey ? -1 : 1,
  )
  const rows = unique.map((message) => ({
    ...escapeDeep({ name: message.name, hostname: message.hostname, fields: message.fields }),
    content_key: message.contentKey,
    id: v7(),
    event_ns: message.eventNs,
    ...rawColumns(message.raw),
  }))
  return (
    await tx.query(sql`insert into internal_messages (scope, content_key, id, source_id, received_at, name, event_ns, hostname, fields, raw)
    select ${delivery.scope}, decode(content_key, 'hex'), id, ${delivery.sourceId}::uuid, ${now}, name, event_ns, hostname, fields, coalesce(convert_to(raw_text, 'UTF8'), decode(raw_hex, 'hex'))
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(content_key text, id uuid, name text, event_ns bigint, hostname text, fields jsonb, raw_text text, raw_hex text)
    on conflict (scope, content_key) do nothing returning 1`)
  ).length
}

/** Alerts that came before the inventory that explains them are correlated again. */
async function reconsider(tx: Transaction, entities: readonly NewEntity[]): Promise<void> {
  const containers = entities.filter((entity) => entity.kind === 'container').map((entity) => entity.key.slice(0, 12))
  const pods = escapeDeep(entities.filter((entity) => entity.kind === 'pod').map((entity) => entity.name))
  if (containers.length + pods.length === 0) return
  await tx.query(sql`insert into alerts_pending (alert_id) select i.alert_id from incident_alerts i
    where not i.resolved and (i.container_id = any(${containers}::text[]) or i.pod_name = any(${pods}::text[])) on conflict do nothing`)
}
