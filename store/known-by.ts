/**
 * Inventory by what others know it by: an address, the account a pod runs as, a cloud role, an instance. Time-valid like entities.ts: what
 * existed in the stretch asked about, to be looked at moment by moment.
 */
import { sql } from 'kysely'
import { type Entity, graceNs } from '../domain/entity.ts'
import type { Queryable } from './database.ts'
import { existedDuring, foundFor, type Stretch } from './entities.ts'
import { escapeText, unescapeText } from './values.ts'

// Of entity `e`. Written as the indexes of 0014-moves.ts are, or those are not used.
export const addressOf = sql`coalesce(e.properties->>'ip', e.properties->>'clusterIP')`
/** An AWS account and the bare name of a role of it, with a slash between. */
export const roleOf = sql`regexp_replace(e.properties->'annotations'->>'eks.amazonaws.com/role-arn', '^arn:aws[a-z-]*:iam::([0-9]+):role/(.+/)?([^/]+)$', '\\1/\\3')`
export const instanceOf = sql`regexp_replace(e.properties->>'providerId', '^aws:.*/', '')`

/** Pods and services that had the address. */
export async function byAddress(
  db: Queryable,
  asked: readonly { scope: string; ip: string }[],
  during: Stretch,
  limit: number,
): Promise<Entity[][]> {
  const condition = sql`e.scope = q.scope and ${addressOf} = q.ip and e.kind in ('pod', 'service')
    and ${existedDuring(during)}`
  return foundFor(db, asked, { shape: sql`scope text, ip text`, condition, limit })
}

export async function podsByAccount(
  db: Queryable,
  asked: readonly { scope: string; namespace: string; name: string }[],
  { fromNs, untilNs }: Stretch,
  limit: number,
): Promise<Entity[][]> {
  const condition = sql`e.scope = q.scope and e.kind = 'pod' and e.namespace = q.namespace and e.properties->>'serviceAccount' = q.name
    and coalesce(e.deleted_ns, 9223372036854775807) >= ${fromNs - graceNs} and e.valid_from_ns <= ${untilNs + graceNs}`
  return foundFor(db, asked, { shape: sql`scope text, namespace text, name text`, condition, limit })
}

export async function podsBySelector(
  db: Queryable,
  asked: readonly { scope: string; namespace: string; selector: Record<string, string> }[],
  during: Stretch,
  limit: number,
): Promise<Entity[][]> {
  const condition = sql`e.scope = q.scope and e.kind = 'pod' and e.namespace = q.namespace and e.properties->'labels' @> q.selector and ${existedDuring(during)}`
  return foundFor(db, asked, { shape: sql`scope text, namespace text, selector jsonb`, condition, limit })
}

/** Service accounts that are given this role of a cloud account, in whatever cluster; `role` is its bare name. */
export async function accountsByRole(
  db: Queryable,
  asked: readonly { account: string; role: string }[],
  during: Stretch,
  limit: number,
): Promise<Entity[][]> {
  const condition = sql`e.kind = 'service_account' and e.properties->'annotations'->>'eks.amazonaws.com/role-arn' is not null
    and ${roleOf} = q.account || '/' || q.role
    and ${existedDuring(during)}`
  return foundFor(db, asked, { shape: sql`account text, role text`, condition, limit })
}

/** Nodes that are this instance, in whatever cluster. */
export async function nodesByInstance(
  db: Queryable,
  asked: readonly { instance: string }[],
  during: Stretch,
  limit: number,
): Promise<Entity[][]> {
  const condition = sql`e.kind = 'node' and e.properties->>'providerId' like 'aws:%' and ${instanceOf} = q.instance
    and ${existedDuring(during)}`
  return foundFor(db, asked, { shape: sql`instance text`, condition, limit })
}

export async function podsOnNode(db: Queryable, asked: readonly { node: string }[], during: Stretch, limit: number): Promise<Entity[][]> {
  const condition = sql`e.kind = 'pod' and e.id in (select r.src from relations r where r.dst = q.node and r.type = 'RUNS_ON') and ${existedDuring(during)}`
  return foundFor(db, asked, { shape: sql`node bigint`, condition, limit })
}

/** How one gets from a place to its node, and when that held. */
export type Escape = { because: string; fromNs: bigint; untilNs: bigint | null }

export async function escapesOf(db: Queryable, places: readonly bigint[]): Promise<Escape[][]> {
  const rows = await db.query(sql<{
    src: bigint
    because: string
    from_ns: bigint
    until_ns: bigint | null
  }>`select src, facts->>'because' as because, from_ns, until_ns from attack_steps
    where src = any(${places.map(String)}::bigint[]) and type like ${escapeText('escape-%')} order by src, cost, type, dst`)
  const found = new Map(places.map((id): [bigint, Escape[]] => [id, []]))
  for (const { src, because, from_ns: fromNs, until_ns: untilNs } of rows)
    found.get(src)?.push({ because: unescapeText(because), fromNs, untilNs })
  return places.map((id) => found.get(id) ?? [])
}
