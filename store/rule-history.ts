/**
 * What was reported of a rule before an incident: counted from the groups of earlier incidents, so that it costs the same
 * however many alerts there were.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { escapeDeep, escapeText, unescapeText } from './values.ts'

/** `here` counts alerts of incidents that touched the same workload or pod. */
export type RuleHistory = { rule: string; earlierAlerts: number; earlierIncidents: number; here: number }
/** `sinceNs`: event time of the earliest alert of the scope that is known; null when there is none before the incident. */
export type History = { sinceNs: bigint | null; rules: RuleHistory[] }
type About = { scope: string; incidentId: string; rules: readonly string[]; beforeNs: bigint; entityIds: readonly bigint[] }

export async function ruleHistory(db: Queryable, { scope, incidentId, rules, beforeNs, entityIds }: About): Promise<History> {
  const earlier = sql`incident_groups g join incidents i on i.id = g.incident_id
    where i.scope = ${escapeText(scope)} and i.merged_into is null and i.id <> ${incidentId} and g.first_ns < ${beforeNs}`
  const [oldest] = await db.query(sql<{ since: bigint | null }>`select min(g.first_ns) as since from ${earlier}`)
  const rows = await db.query(sql<{ rule: string; alerts: bigint; incidents: bigint; here: bigint }>`
    select g.rule, sum(g.count)::bigint as alerts, count(distinct i.id) as incidents,
      coalesce(sum(g.count) filter (where i.entity_ids && ${entityIds.map(String)}::bigint[]), 0)::bigint as here
    from ${earlier} and g.rule = any(${escapeDeep([...rules])}::text[]) group by g.rule`)
  const known = new Map(rows.map((row) => [unescapeText(row.rule), row]))
  return {
    sinceNs: oldest?.since ?? null,
    rules: rules.map((rule) => {
      const row = known.get(rule)
      return {
        rule,
        earlierAlerts: Number(row?.alerts ?? 0n),
        earlierIncidents: Number(row?.incidents ?? 0n),
        here: Number(row?.here ?? 0n),
      }
    }),
  }
}
