/**
 * A store with very many alerts, for benchmarks: some thousand come in as they do in life, and are then copied week by week into
 * the past, their incidents with them. Ids keep their meaning (an alert's holds the time it was received).
 */
import { sql } from 'kysely'
import { readInput } from '../collectors/read.ts'
import { systemClock } from '../domain/clock.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import type { Database } from '../store/database.ts'
import { addRecord, emptyDelivery } from '../store/delivery.ts'
import { accept } from '../store/intake.ts'
import { ensurePartitions } from '../store/partitions.ts'
import { alertLines } from './ingest-load.ts'

const seeded = 10_000
const weeks = 4
const dayMs = 86_400_000

/** `total` is a multiple of 10,000. The store must be new. */
export async function fillStore(db: Database, total: number, progress: (text: string) => void): Promise<void> {
  const now = Date.now()
  for (let back = weeks; back >= 0; back -= 1) await ensurePartitions(db, new Date(now - back * 7 * dayMs), 0)
  await takeAlerts(db, alertLines(seeded, new Date(now - seeded), 1))
  while ((await correlatePending(db, systemClock)).more);
  const copies = total / seeded - 1
  for (let copy = 1; copy <= copies; copy += 1) {
    progress(`${(copy * seeded).toLocaleString('en')} of ${total.toLocaleString('en')} alerts`)
    await copyInto(db, copy, Math.floor((copy * weeks * 7 * dayMs) / (copies + 1)))
  }
  await db.query(sql`analyze`)
}

/** Read and stored as they come in; not yet correlated. */
export const takeAlerts = (db: Database, lines: readonly string[]): Promise<void> =>
  takeText(db, lines.join('\n'), { path: 'bench', format: 'falco' })

export async function takeText(db: Database, text: string, { path, format }: { path: string; format: string }): Promise<void> {
  await readInput(
    (async function* () {
      yield Buffer.from(text)
    })(),
    {
      path,
      format,
      source: { sourceId: null, sourceName: 'bench', scope: 'bench', receivedNs: 0n },
      onBatch: async ({ records }) => {
        const delivery = emptyDelivery({ sourceId: null, scope: 'bench' })
        for (const record of records) addRecord(delivery, record)
        await accept(db, systemClock, [delivery])
      },
    },
  )
}

/** Copies what came in, `agoMs` into the past, under ids made of the old ones and the copy's number. */
async function copyInto(db: Database, copy: number, agoMs: number): Promise<void> {
  const ago = sql`${agoMs}::bigint * interval '1 millisecond'`
  const agoNs = sql`${agoMs}::bigint * 1000000`
  const other = (id: ReturnType<typeof sql>): ReturnType<typeof sql> => sql`md5(${id}::text || ${String(copy)})`
  const alertId = (id: ReturnType<typeof sql>, receivedAt: ReturnType<typeof sql>): ReturnType<typeof sql> =>
    sql`(lpad(to_hex((extract(epoch from ${receivedAt}) * 1000)::bigint - ${agoMs}::bigint), 12, '0') || '7' || substr(${other(id)}, 1, 3) || '8' || substr(${other(id)}, 4, 15))::uuid`
  const key = sql`decode(${other(sql`encode(content_key, 'hex')`)} || ${other(sql`encode(content_key, 'hex') || 'x'`)}, 'hex')`
  const first = sql`received_at > now() - interval '1 hour'`
  await db.transaction(async (tx) => {
    await tx.query(sql`insert into alerts (id, received_at, scope, source_id, sensor, sensor_source, event_ns, rule, priority, severity, hostname,
        container_id, pod_namespace, pod_name, output, normal, fields, raw, content_key)
      select ${alertId(sql`id`, sql`received_at`)}, received_at - ${ago}, scope, source_id, sensor, sensor_source, event_ns - ${agoNs}, rule, priority,
        severity, hostname, container_id, pod_namespace, pod_name, output, normal, fields, raw, ${key} from alerts where ${first}`)
    await tx.query(sql`insert into alert_keys (scope, content_key, alert_id, received_at, last_received_at, seen)
      select scope, ${key}, ${alertId(sql`alert_id`, sql`received_at`)}, received_at - ${ago}, last_received_at - ${ago}, seen from alert_keys where ${first}`)
    await tx.query(sql`insert into incident_alerts (alert_id, incident_id, scope, event_ns, received_at, rule, priority, reasons, facts, context, resolved, container_id, pod_name, hostname)
      select ${alertId(sql`alert_id`, sql`received_at`)}, ${other(sql`incident_id`)}::uuid, scope, event_ns - ${agoNs}, received_at - ${ago}, rule, priority, reasons, facts, context,
        true, container_id, pod_name, hostname from incident_alerts where ${first}`)
    await tx.query(sql`insert into incidents (id, scope, title, state, severity, severity_floor, severity_reasons, correlation_version, alert_count, first_ns, last_ns, tactics,
        techniques, rules, entity_ids, revision, investigated_revision, created_at, updated_at)
      select ${other(sql`id`)}::uuid, scope, title, state, severity, severity_floor, severity_reasons, correlation_version, alert_count, first_ns - ${agoNs}, last_ns - ${agoNs},
        tactics, techniques, rules, entity_ids, revision, revision, created_at - ${ago}, updated_at - ${ago} from incidents where created_at > now() - interval '1 hour'`)
    await tx.query(sql`insert into incident_groups (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
      select ${other(sql`g.incident_id`)}::uuid, g.rule, g.priority, g.tactics, g.techniques, g.count, g.first_ns - ${agoNs}, g.last_ns - ${agoNs}
      from incident_groups g join incidents i on i.id = g.incident_id and i.created_at > now() - interval '1 hour'`)
  })
}
