/** Reads the case of an incident from the store: everything an analyst starts from, as it is now. Holds nothing and changes nothing. */
import type { Entity } from '../domain/entity.ts'
import { NotFoundError } from '../domain/errors.ts'
import type { Incident } from '../domain/incident.ts'
import { dayOf, nothingKnown } from './baseline.ts'
import { type Baseline, buildCaseFile, type CaseFile, type Coverage, sample } from './case-file.ts'
import { noContext } from './context.ts'
import { contextFrom, recordsNamed } from './kept-context.ts'
import { instanceUses } from './instance-use.ts'
import { lostAround } from './lost-events.ts'
import { normalBefore } from './normal.ts'
import { readPosture } from './read-posture.ts'
import { getAlerts } from '../store/alerts.ts'
import { countsOfRules } from '../store/baseline-counts.ts'
import type { Database, Queryable } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { inventoryFreshness } from '../store/inventory-standing.ts'
import { decisionsOf } from '../store/decisions.ts'
import { getIncident } from '../store/incidents.ts'
import { groupsOf } from '../store/groups.ts'
import { alertCandidates, membershipsOf } from '../store/memberships.ts'
import { listSources } from '../store/sources.ts'
import { verdictsOnTheSame } from '../store/verdicts.ts'
import { watchedDays } from '../store/watched-days.ts'

const sampleSize = 200
/** Which cluster answers for a scope, if any is connected. */
export type CaseOptions = { cluster: (scope: string) => { simulated: boolean } | null }

/** The case file of an incident, as it is now. */
export async function readCase(db: Database, now: Date, incidentId: string, options: CaseOptions): Promise<CaseFile> {
  const incident = await getIncident(db, { id: incidentId })
  if (incident === undefined) throw new NotFoundError(`There is no incident ${incidentId}.`)
  const candidates = await alertCandidates(db, incident.id)
  const chosen = sample(candidates, sampleSize)
  const alerts = await getAlerts(db, chosen)
  const memberships = new Map((await membershipsOf(db, { alertIds: chosen })).map((membership) => [membership.alertId, membership.context]))
  const entities = await recordsNamed(db, [...memberships.values()])
  const resolved = alerts.map((alert) => {
    const kept = memberships.get(alert.id)
    return { alert, context: kept === undefined ? noContext('not placed yet') : contextFrom(kept, entities) }
  })
  const placed = new Set(entities.keys())
  const others = await getEntities(
    db,
    incident.entityIds.filter((id) => !placed.has(id.toString())),
  )
  const about = { now, scope: incident.scope, firstNs: incident.firstNs, lastNs: incident.lastNs }
  // The incident may have begun in a cloud account: what can be acted on is in a cluster.
  const scopes = [incident.scope, ...[...entities.values()].map((entity) => entity.scope)]
  const scope = scopes.find((one) => options.cluster(one) !== null) ?? incident.scope
  const inventory = (await inventoryFreshness(db)).find((one) => one.scope === scope)
  const coverage = await coverageOf(db)
  return buildCaseFile({
    incident,
    resolved,
    total: incident.alertCount,
    groups: (await groupsOf(db, [incident.id])).get(incident.id) ?? [],
    coverage,
    instanceUses: await instanceUses(db, resolved, coverage),
    lost: await lostAround(db, { ...about, alerts }),
    decisions: await decisionsOf(db, incident.id),
    called: await verdictsOnTheSame(db, incident.id, 3),
    posture: await readPosture(db, { ...about, alerts: resolved, others: others.filter(({ kind }) => cloudKinds.has(kind)) }),
    baseline: await baselineOf(db, incident),
    inventory: inventory === undefined ? null : { scope: inventory.scope, pods: inventory.pods, lastNs: inventory.lastNs },
    cluster: options.cluster(scope),
  })
}

/** What no alert is placed at, and may still be where it happened. */
const cloudKinds: ReadonlySet<Entity['kind']> = new Set(['identity', 'cloud_resource'])

async function baselineOf(db: Queryable, incident: Incident): Promise<Baseline> {
  const day = dayOf(incident.firstNs)
  const normal = (await normalBefore(db, [incident])).get(incident.id) ?? nothingKnown
  const [sinceDay] = await watchedDays(db, incident.scope)
  const counts = await countsOfRules(db, incident.scope, incident.rules, day)
  const rules = incident.rules.map((rule) => ({ rule, ...(counts.get(rule) ?? { count: 0, days: 0 }) }))
  return { ...normal, sinceDay: sinceDay !== undefined && sinceDay < day ? sinceDay : null, rules }
}

export async function coverageOf(db: Queryable): Promise<Coverage[]> {
  return (await listSources(db)).map((source) => ({
    name: source.name,
    collector: source.collector,
    scope: source.scope,
    lastSeenAt: source.lastSeenAt,
  }))
}
