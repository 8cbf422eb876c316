/**
 * Weekly partitions of alerts, by received time: made ahead, and dropped whole when retention has passed.
 * A row for which no partition was made lands in the default one; nothing is refused for lack of one.
 */
import { sql } from 'kysely'
import type { Database } from './database.ts'

const week = 7 * 24 * 3_600_000
const monday = Date.UTC(2024, 0, 1)
const startOfWeek = (at: number): number => monday + Math.floor((at - monday) / week) * week
const nameOf = (start: number): string => `alerts_${new Date(start).toISOString().slice(0, 10).replaceAll('-', '')}`

/** Makes this week's partition and the next `ahead` ones, where rows of the default one do not stand in the way. */
export async function ensurePartitions(db: Database, now: Date, ahead = 2): Promise<void> {
  for (let index = 0; index <= ahead; index += 1) {
    const start = startOfWeek(now.getTime()) + index * week
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

/** Drops partitions whose last alert was received before `before`, with their keys. Answers how many alerts went. */
export async function dropBefore(db: Database, before: Date): Promise<number> {
  const tables = await db.query(
    sql<{
      name: string
    }>`select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'alerts'::regclass and c.relname ~ '^alerts_[0-9]{8}$'`,
  )
  let dropped = 0
  for (const { name } of tables) {
    const digits = name.slice('alerts_'.length)
    const start = Date.parse(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}T00:00:00Z`)
    if (start + week > before.getTime()) continue
    dropped += await db.transaction(async (tx) => {
      const [count] = await tx.query(sql<{ n: bigint }>`select count(*) as n from ${sql.table(name)}`)
      await tx.query(sql`delete from incident_alerts where alert_id in (select id from ${sql.table(name)})`)
      await tx.query(sql`delete from alert_keys where received_at < ${new Date(start + week)}`)
      await tx.query(sql.raw(`drop table ${name}`))
      return Number(count?.n ?? 0n)
    })
  }
  return dropped
}
