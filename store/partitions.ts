/**
 * Weekly partitions of alerts, by received time: made ahead, and dropped whole when retention has passed. A row for
 * which no partition was made lands in the default one; nothing is refused for lack of one. What retention removes is
 * removed everywhere but from its incident's counts, which go on telling what there was.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Database, isLocked, type Queryable, type Transaction } from './database.ts'
import { forgetAdvisories } from './advisories.ts'
import { expireCounts } from './groups.ts'
import { forgetSensors } from './internal-messages.ts'
import { lockIncidents } from './segments.ts'

const week = 7 * 24 * 3_600_000
const monday = Date.UTC(2024, 0, 1)
const startOfWeek = (at: number): number => monday + Math.floor((at - monday) / week) * week
const nameOf = (start: number): string => `alerts_${new Date(start).toISOString().slice(0, 10).replaceAll('-', '')}`

/** Makes this week's partition and the next `ahead` ones, where rows of the default one do not stand in the way. */
export async function ensurePartitions(db: Database, now: Date, ahead = 2): Promise<void> {
  const existing = new Set((await partitions(db)).map(({ name }) => name))
  for (let index = 0; index <= ahead; index += 1) {
    const start = startOfWeek(now.getTime()) + index * week
    if (existing.has(nameOf(start))) continue
    const from = new Date(start).toISOString()
    const to = new Date(start + week).toISOString()
    await db.transaction(async (tx) => {
      await tx.query(sql`lock table alerts in share update exclusive mode`)
      const [blocked] = await tx.query(sql`select 1 from alerts_default where received_at >= ${from} and received_at < ${to} limit 1`)
      if (blocked === undefined)
        await tx.query(sql.raw(`create table if not exists ${nameOf(start)} partition of alerts for values from ('${from}') to ('${to}')`))
    })
  }
}

async function partitions(db: Queryable): Promise<{ name: string; end: number }[]> {
  const rows = await db.query(sql<{ name: string }>`select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'alerts'::regclass and c.relname ~ '^alerts_[0-9]{8}$' order by 1`)
  return rows.map(({ name }) => {
    const digits = name.slice('alerts_'.length)
    return { name, end: Date.parse(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}T00:00:00Z`) + week }
  })
}

/**
 * Removes what was received before `before`: partitions whose last alert is older, old rows of the default one, Falco's own
 * messages, dead letters, activities, and snapshots of advisories that a newer one replaces. Findings and their scans stay. Answers how many alerts went. What a busy table does not let go of is left for the next time.
 */
export async function dropBefore(db: Database, before: Date): Promise<number> {
  let dropped = 0
  try {
    for (const { name, end } of await partitions(db))
      if (end <= before.getTime()) dropped += await expire(db, name, sql`true`, (tx) => tx.query(sql`drop table ${sql.table(name)}`))
    const old = sql`received_at < ${before}`
    const [inDefault] = await db.query(sql`select 1 from alerts_default where ${old} limit 1`)
    if (inDefault !== undefined)
      dropped += await expire(db, 'alerts_default', old, (tx) => tx.query(sql`delete from alerts_default where ${old}`))
    await db.query(sql`delete from internal_messages where ${old}`)
    await forgetSensors(db, before)
    await db.query(sql`delete from dead_letters where ${old}`)
    await db.query(sql`delete from activities where ${old}`)
    await forgetAdvisories(db, before)
  } catch (error) {
    if (!isLocked(error)) throw error
  }
  return dropped
}

/** In one transaction: takes alerts out of everything that refers to them, then `remove`s them. */
async function expire(
  db: Database,
  table: string,
  condition: RawBuilder<unknown>,
  remove: (tx: Transaction) => Promise<unknown>,
): Promise<number> {
  const work = async (tx: Transaction): Promise<number> => {
    // Everybody who reads alerts would queue up behind this lock: better to try again later.
    await tx.query(sql`set local lock_timeout = '5s'`)
    await lockIncidents(tx)
    await tx.query(sql`lock table alerts in access exclusive mode`)
    const [there] = await tx.query(sql`select 1 from pg_class where oid = to_regclass(${table})`)
    if (there === undefined) return 0
    const going = sql`select id from ${sql.table(table)} where ${condition}`
    const [count] = await tx.query(sql<{ n: bigint }>`select count(*) as n from (${going}) going`)
    await expireCounts(tx, going)
    const emptied = await tx.query(sql<{
      id: string
    }>`with gone as (delete from incident_alerts where alert_id in (${going}) returning incident_id)
      select distinct incident_id::text as id from gone`)
    await tx.query(sql`delete from incident_segments s where incident_id = any(${emptied.map((row) => row.id)}::uuid[])
      and not exists (select 1 from incident_alerts m where m.incident_id = s.incident_id)`)
    await tx.query(sql`delete from alerts_pending where alert_id in (${going})`)
    await tx.query(sql`delete from incident_waits where alert_id in (${going})`)
    await tx.query(
      sql`delete from alert_keys where (scope, content_key) in (select scope, content_key from ${sql.table(table)} where ${condition})`,
    )
    await remove(tx)
    return Number(count?.n ?? 0n)
  }
  return db.transaction(work, { frees: true })
}
