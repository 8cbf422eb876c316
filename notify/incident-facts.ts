/** What is said of an incident outside: itself, its rules with their first alerts, its newest verdict, what it touched. Bounded, whatever its size. */
import type { Entity } from '../domain/entity.ts'
import type { Report } from '../domain/report.ts'
import type { Queryable } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { type GroupRow, groupsOf } from '../store/groups.ts'
import type { RecordedIncident } from '../store/incidents.ts'
import { latestReports } from '../store/investigations.ts'
import { firstAlertsByRule, namespacesOfAlerts } from '../store/memberships.ts'

export type RuleFact = GroupRow & { /** Null: retention has removed them all. */ firstAlertId: string | null }
export type IncidentFacts = {
  incident: RecordedIncident
  /** The most severe rules first. */ rules: RuleFact[]
  report: Pick<Report, 'analyst' | 'model' | 'verdict' | 'confidence' | 'summary' | 'rootCause' | 'partial'> | null
  touched: (Pick<Entity, 'kind' | 'key' | 'name' | 'namespace'> & { labels: Readonly<Record<string, string>> })[]
  /** Of the first alert of each rule, whether inventory knows them or not. */ namespaces: string[]
  /** Its page. */ url: string
}

const mostRules = 50
const mostTouched = 50

/** In the order of the incidents given; a handful of statements for all of them. `base`: how people reach the pages. */
export async function factsOfIncidents(db: Queryable, incidents: readonly RecordedIncident[], base: string): Promise<IncidentFacts[]> {
  const ids = incidents.map(({ id }) => id)
  const groups = await groupsOf(db, ids)
  const firsts = await firstAlertsByRule(db, ids)
  const reports = await latestReports(db, ids)
  const touchedIds = (one: RecordedIncident): bigint[] => one.entityIds.slice(0, mostTouched)
  const entities = new Map((await getEntities(db, [...new Set(incidents.flatMap(touchedIds))])).map((entity) => [entity.id, entity]))
  const namespaces = await namespacesOfAlerts(
    db,
    [...firsts.values()].flatMap((byRule) => [...byRule.values()].slice(0, mostRules)),
  )
  return incidents.map((incident) => ({
    incident,
    rules: (groups.get(incident.id) ?? [])
      .slice(0, mostRules)
      .map((group) => ({ ...group, firstAlertId: firsts.get(incident.id)?.get(group.rule) ?? null })),
    namespaces: [...new Set([...(firsts.get(incident.id)?.values() ?? [])].flatMap((id) => namespaces.get(id) ?? []))],
    report: reports.get(incident.id)?.report ?? null,
    touched: touchedIds(incident).flatMap((id) => {
      const entity = entities.get(id)
      return entity === undefined ? [] : [{ ...entity, labels: labelsOf(entity) }]
    }),
    url: `${base}/incidents/${incident.id}`,
  }))
}

/** Of a pod or workload; nothing else has any that people sort by. */
export function labelsOf(entity: Pick<Entity, 'kind' | 'properties'> | undefined): Readonly<Record<string, string>> {
  const labels = entity?.kind === 'pod' || entity?.kind === 'workload' ? entity.properties['labels'] : undefined
  return typeof labels === 'object' && labels !== null ? (labels as Record<string, string>) : {}
}
