/**
 * One investigation: reads the case from the store, lets an analyst write, re-reads every cited record, stores the report.
 * Holds no client of a cluster and no way to approve; the most it can do is ask for a proposal.
 */
import DataLoader from 'dataloader'
import type { Clock } from '../domain/clock.ts'
import type { Entity } from '../domain/entity.ts'
import { FalconerError, NotFoundError } from '../domain/errors.ts'
import { isId, isRowNumber } from '../domain/ids.ts'
import type { Incident } from '../domain/incident.ts'
import { buildCaseFile, type CaseFile, type Coverage, sample } from '../incidents/case-file.ts'
import { type AlertContext, noContext } from '../incidents/context.ts'
import { ground, lastHeard, type RecordReader } from '../incidents/grounding.ts'
import { getAlerts } from '../store/alerts.ts'
import type { Database, Queryable } from '../store/database.ts'
import { getEntities, inventoryFreshness } from '../store/entities.ts'
import { decisionsOf, getDecision } from '../store/decisions.ts'
import { getIncident, markInvestigated } from '../store/incidents.ts'
import { groupsOf } from '../store/groups.ts'
import { alertCandidates, membershipsOf } from '../store/memberships.ts'
import { type History, ruleHistory } from '../store/rule-history.ts'
import { finishInvestigation, type Investigation, startInvestigation } from '../store/investigations.ts'
import { listSources } from '../store/sources.ts'
import { type Analyst, checkedDraft } from './analyst.ts'

const sampleSize = 200
export type InvestigateOptions = { cluster: (scope: string) => { simulated: boolean } | null }

/** Throws NotFoundError; an analyst that fails leaves a failed investigation that says so. */
export async function investigate(
  db: Database,
  clock: Clock,
  analyst: Analyst,
  incidentId: string,
  options: InvestigateOptions,
): Promise<Investigation> {
  const incident = await getIncident(db, { id: incidentId })
  if (incident === undefined) throw new NotFoundError(`There is no incident ${incidentId}.`)
  const id = await startInvestigation(db, {
    incidentId: incident.id,
    incidentRevision: incident.revision,
    analyst: analyst.name,
    at: clock.now(),
  })
  try {
    const file = await readCase(db, incident.id, options)
    // Taken before the analyst has the file: what it does to its copy widens nothing.
    const entityIds = new Set(file.entities.map((entity) => entity.id.toString()))
    const coverage = new Map(file.coverage.map((source) => [source.name, lastHeard(source)]))
    const draft = checkedDraft(analyst, await analyst.analyse(file))
    const report = await ground(draft, recordReader(db), { severityFloor: incident.severityFloor, entityIds, coverage })
    const finished = await finishInvestigation(db, id, { report }, clock.now())
    await markInvestigated(db, incident.id, incident.revision)
    return finished
  } catch (error) {
    await markInvestigated(db, incident.id, incident.revision)
    return finishInvestigation(
      db,
      id,
      { error: error instanceof FalconerError ? error.message : 'The analyst failed; see the server’s log.' },
      clock.now(),
    ).finally(() => {
      if (!(error instanceof FalconerError)) console.error(error)
    })
  }
}

/** The case file of an incident, as it is now. */
export async function readCase(db: Database, incidentId: string, options: InvestigateOptions): Promise<CaseFile> {
  const incident = await getIncident(db, { id: incidentId })
  if (incident === undefined) throw new NotFoundError(`There is no incident ${incidentId}.`)
  const candidates = await alertCandidates(db, incident.id)
  const chosen = sample(candidates, sampleSize)
  const alerts = await getAlerts(db, chosen)
  const memberships = new Map((await membershipsOf(db, { alertIds: chosen })).map((membership) => [membership.alertId, membership.context]))
  const ids = [...memberships.values()]
    .flatMap((context) => [context.container, context.pod, context.workload, context.node])
    .filter((id): id is string => id !== null)
  const entities = new Map((await getEntities(db, [...new Set(ids)].map(BigInt))).map((entity) => [entity.id.toString(), entity]))
  const find = (id: string | null): Entity | null => (id === null ? null : (entities.get(id) ?? null))
  const resolved = alerts.map((alert) => {
    const ids = memberships.get(alert.id)
    const context: AlertContext =
      ids === undefined
        ? noContext('not placed yet')
        : {
            container: find(ids.container),
            pod: find(ids.pod),
            workload: find(ids.workload),
            node: find(ids.node),
            inferred: ids.inferred,
            how: ids.how,
          }
    return { alert, context }
  })
  // The incident may have begun in a cloud account: what can be acted on is in a cluster.
  const scopes = [incident.scope, ...[...entities.values()].map((entity) => entity.scope)]
  const scope = scopes.find((one) => options.cluster(one) !== null) ?? incident.scope
  const inventory = (await inventoryFreshness(db)).find((one) => one.scope === scope)
  return buildCaseFile({
    incident,
    resolved,
    total: incident.alertCount,
    groups: (await groupsOf(db, [incident.id])).get(incident.id) ?? [],
    coverage: await coverageOf(db),
    decisions: await decisionsOf(db, incident.id),
    history: await historyOf(db, incident, [...entities.values()]),
    inventory: inventory === undefined ? null : { scope: inventory.scope, pods: inventory.pods, lastNs: inventory.lastNs },
    cluster: options.cluster(scope),
  })
}

/** Here is the workload, or the pod where there is none. */
async function historyOf(db: Queryable, incident: Incident, entities: readonly Entity[]): Promise<History> {
  const workloads = entities.filter((entity) => entity.kind === 'workload')
  const here = workloads.length > 0 ? workloads : entities.filter((entity) => entity.kind === 'pod')
  const { scope, id, rules, firstNs } = incident
  return ruleHistory(db, { scope, incidentId: id, rules, beforeNs: firstNs, entityIds: here.map((entity) => entity.id) })
}

async function coverageOf(db: Queryable): Promise<Coverage[]> {
  return (await listSources(db)).map((source) => ({
    name: source.name,
    collector: source.collector,
    scope: source.scope,
    lastSeenAt: source.lastSeenAt,
  }))
}

/** Reads cited records again, from the store: those of many claims together, none from memory. What is no id at all is the id of nothing. */
export function recordReader(db: Queryable): RecordReader {
  const options = { cache: false }
  const alerts = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map((await getAlerts(db, ids)).map((alert) => [alert.id, alert]))
    return ids.map((id) => found.get(id.toLowerCase()))
  }, options)
  const entities = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map((await getEntities(db, ids.filter(isRowNumber).map(BigInt))).map((entity) => [entity.id, entity]))
    return ids.map((id) => (isRowNumber(id) ? found.get(BigInt(id)) : undefined))
  }, options)
  const coverage = new DataLoader(async (names: readonly string[]) => {
    const sources = await coverageOf(db)
    return names.map((name) => sources.find((source) => source.name === name))
  }, options)
  return {
    alert: async (id) => (isId(id) ? alerts.load(id) : undefined),
    entity: (id) => entities.load(id),
    decision: (id) => getDecision(db, id),
    coverage: (name) => coverage.load(name),
  }
}
