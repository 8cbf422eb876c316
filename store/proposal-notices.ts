/**
 * Which state of a proposal each destination was told. What is still to be told is what differs from that: nothing has to be noted where a proposal changes, so
 * nothing can be forgotten there; states that came and went meanwhile are not told. From a destination's beginning on, like incidents.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { escapeText } from './values.ts'

export type DueProposal = { id: string; version: string; attempts: number }

/** A state, or a decision more, is another version. */
const version = sql`to_char(p.updated_at at time zone 'UTC', 'YYYYMMDDHH24MISSUS') || '.' || p.state || '.' || (select count(*) from approvals a where a.proposal_id = p.id)`
/** Long over, and nobody heard of it: Slack was away for so long. */
const oldestMs = 7 * 86_400_000

export async function dueProposals(
  db: Queryable,
  { destination, now, limit }: { destination: string; now: Date; limit: number },
): Promise<DueProposal[]> {
  return db.query(sql<DueProposal>`select p.id::text, v.version, coalesce(n.attempts, 0) as attempts from proposals p
      join destinations d on d.name = ${destination} left join proposal_notices n on n.destination = d.name and n.proposal_id = p.id
      cross join lateral (select ${version} as version) v
    where p.updated_at >= greatest(d.since, ${new Date(now.getTime() - oldestMs)}::timestamptz) and p.state not in ('requested', 'planning')
      and n.told is distinct from v.version and (n.next_at is null or n.next_at <= ${now})
    order by p.updated_at, p.id limit ${limit}`)
}

type Told = { destination: string; id: string }

export async function noteProposalTold(db: Queryable, { destination, id }: Told, told: string): Promise<void> {
  await db.query(sql`insert into proposal_notices (destination, proposal_id, told) values (${destination}, ${id}, ${told})
    on conflict (destination, proposal_id) do update set told = excluded.told, attempts = 0, next_at = null, error = null`)
}

/** Not before `nextAt` again. `reason` null: it only waits its turn. */
export async function noteProposalWaits(
  db: Queryable,
  { destination, id }: Told,
  { reason, nextAt }: { reason: string | null; nextAt: Date },
): Promise<void> {
  const failed = reason === null ? 0 : 1
  await db.query(sql`insert into proposal_notices as n (destination, proposal_id, attempts, next_at, error)
    values (${destination}, ${id}, ${failed}, ${nextAt}, ${reason === null ? null : escapeText(reason)})
    on conflict (destination, proposal_id) do update set attempts = n.attempts + ${failed}, next_at = excluded.next_at, error = excluded.error`)
}
