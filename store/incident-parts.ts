/** What incidents are derived from, read at once: their groups, their places, and their first alert. */
import { sql } from 'kysely'
import { priorities } from '../domain/severity.ts'
import type { Queryable } from './database.ts'
import type { GroupRow, Place } from './groups.ts'
import { unescapeText } from './values.ts'

export type IncidentParts = {
  groups: GroupRow[]
  /** By kind and id. */ places: Place[]
  /** The earliest alert, and the record it is called after: its workload, else its pod. */ first: {
    alertId: string
    place: bigint | null
  } | null
}

/** Integers in JSON are bigint only where they are long. */
type Integer = bigint | number
type Row = {
  incident_id: string
  groups: (Omit<GroupRow, 'priority' | 'firstNs' | 'lastNs'> & { priority: number; firstNs: Integer; lastNs: Integer })[]
  places: { kind: Place['kind']; id: Integer }[]
  alert_id: string | null
  place: bigint | null
}

export async function partsOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, IncidentParts>> {
  const rows = await db.query(sql<Row>`select i.id::text as incident_id, m.alert_id::text, m.place,
      (select coalesce(json_agg(json_build_object('rule', rule, 'priority', priority, 'tactics', tactics, 'techniques', techniques, 'count', count, 'firstNs', first_ns, 'lastNs', last_ns)
        order by first_ns, rule), '[]') from incident_groups g where g.incident_id = i.id) as groups,
      (select coalesce(json_agg(json_build_object('kind', kind, 'id', entity_id) order by kind, entity_id), '[]') from incident_places p where p.incident_id = i.id) as places
    from unnest(${incidentIds}::uuid[]) i(id) left join lateral (
      select alert_id, coalesce(context->>'workload', context->>'pod')::bigint as place from incident_alerts where incident_id = i.id
      order by event_ns, alert_id limit 1) m on true`)
  return new Map(rows.map((row) => [row.incident_id, fromRow(row)]))
}

const fromRow = ({ groups, places, alert_id: alertId, place }: Row): IncidentParts => ({
  groups: groups.map((group) => ({
    ...group,
    rule: unescapeText(group.rule),
    priority: priorities[group.priority] ?? 'Debug',
    firstNs: BigInt(group.firstNs),
    lastNs: BigInt(group.lastNs),
  })),
  places: places.map(({ kind, id }) => ({ kind, id: BigInt(id) })),
  first: alertId === null ? null : { alertId, place },
})
