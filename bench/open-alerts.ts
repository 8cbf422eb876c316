/** How long one alert takes to be correlated while very many others lie in windows that are still open: 99th percentile. */
import { sql } from 'kysely'
import { systemClock } from '../domain/clock.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import type { Database } from '../store/database.ts'
import { type Comparison, percentile } from './bench.ts'
import { alertLines } from './ingest-load.ts'
import { takeAlerts } from './many-alerts.ts'

const asks = 200
const containers = 5_000

export async function openAlerts(db: Database, total: number, tell: (text: string) => void): Promise<Comparison> {
  const bulk = alertLines(total, new Date(Date.now() - total), 1, containers)
  const part = 10_000
  for (let from = 0; from < total; from += part) {
    tell(`${from.toLocaleString('en')} of ${total.toLocaleString('en')} alerts in open windows`)
    await takeAlerts(db, bulk.slice(from, from + part))
    while ((await correlatePending(db, systemClock)).more);
  }
  await db.query(sql`analyze`)
  const singles = alertLines(asks + 20, new Date(), 2, containers)
  const ours: number[] = []
  for (const [place, line] of singles.entries()) {
    await takeAlerts(db, [line])
    const from = performance.now()
    const { alerts } = await correlatePending(db, systemClock)
    if (alerts !== 1) throw new Error(`${alerts} alerts were correlated instead of one`)
    if (place >= 20) ours.push(performance.now() - from)
  }
  const plain: number[] = []
  await fillPlain(db)
  for (let place = 0; place < asks; place += 1) plain.push(await plainly(db, place))
  return {
    what: `one alert correlated beside ${total.toLocaleString('en')}, 99th percentile`,
    unit: 'ms',
    falconer: [p99(ours)],
    baseline: { what: 'taken, looked up and written in plain tables', samples: [p99(plain)] },
  }
}

const p99 = (samples: readonly number[]): number =>
  percentile(
    samples.toSorted((a, b) => a - b),
    0.99,
  )

async function fillPlain(db: Database): Promise<void> {
  await db.query(
    sql`insert into baseline.open_facts select fact_key || rule, start_ns, max(end_ns), (array_agg(incident_id))[1] from incident_segments group by 1, 2`,
  )
  await db.query(sql`insert into baseline.members select alert_id, incident_id from incident_alerts`)
  await db.query(sql`insert into baseline.incidents select id, alert_count from incidents`)
  await db.query(sql`analyze`)
}

async function plainly(db: Database, place: number): Promise<number> {
  const alert = `00000000-0000-7000-8000-${String(place).padStart(12, '0')}`
  const [fact] = await db.query(sql<{ key: string; at: bigint }>`select key, end_ns as at from baseline.open_facts offset ${place} limit 1`)
  await db.query(sql`insert into baseline.pending values (${alert})`)
  const from = performance.now()
  await db.transaction(async (tx) => {
    await tx.query(
      sql`delete from baseline.pending where id in (select id from baseline.pending limit 1 for update skip locked) returning id`,
    )
    const [found] = await tx.query(
      sql<{
        incident: string
      }>`select incident::text from baseline.open_facts where key = ${fact?.key} and start_ns <= ${fact?.at} and end_ns >= ${fact?.at}`,
    )
    await tx.query(sql`insert into baseline.members values (${alert}, ${found?.incident})`)
    await tx.query(
      sql`update baseline.open_facts set end_ns = end_ns + 1 where key = ${fact?.key} and start_ns <= ${fact?.at} and end_ns >= ${fact?.at}`,
    )
    await tx.query(sql`update baseline.incidents set alerts = alerts + 1 where id = ${found?.incident}`)
  })
  return performance.now() - from
}
