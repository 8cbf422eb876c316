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
import { dayOf, nothingKnown } from '../incidents/baseline.ts'
import { type Baseline, buildCaseFile, type CaseFile, type Coverage, sample } from '../incidents/case-file.ts'
import { type AlertContext, noContext } from '../incidents/context.ts'
import { ground, lastHeard, type RecordReader } from '../incidents/grounding.ts'
import { normalBefore } from '../incidents/normal.ts'
import { readPosture } from '../incidents/read-posture.ts'
import { stepId } from '../incidents/record-field.ts'
import { getAlerts } from '../store/alerts.ts'
import { getSteps, type StepKey } from '../store/attack-steps.ts'
import { countsOfRules } from '../store/baseline-counts.ts'
import type { Database, Queryable } from '../store/database.ts'
import { getEntities, inventoryFreshness } from '../store/entities.ts'
import { decisionsOf, getDecision } from '../store/decisions.ts'
import { getFindingFacts } from '../store/finding-facts.ts'
import { getIncident, markInvestigated } from '../store/incidents.ts'
import { groupsOf } from '../store/groups.ts'
import { alertCandidates, membershipsOf } from '../store/memberships.ts'
import { finishInvestigation, type Investigation, startInvestigation } from '../store/investigations.ts'
import { listSources } from '../store/sources.ts'
import { watchedDays } from '../store/watched-days.ts'
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
    const file = await readCase(db, clock.now(), incident.id, options)
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
export async function readCase(db: Database, now: Date, incidentId: string, options: InvestigateOptions): Promise<CaseFile> {
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
  return buildCaseFile({
    incident,
    resolved,
    total: incident.alertCount,
    groups: (await groupsOf(db, [incident.id])).get(incident.id) ?? [],
    coverage: await coverageOf(db),
    decisions: await decisionsOf(db, incident.id),
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
  const findings = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map((await getFindingFacts(db, ids)).map((finding) => [finding.id, finding]))
    return ids.map((id) => found.get(id.toLowerCase()))
  }, options)
  const steps = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map(
      (
        await getSteps(
          db,
          ids.flatMap((id) => stepKeyOf(id) ?? []),
        )
      ).map((step) => [stepId(step), step]),
    )
    return ids.map((id) => found.get(id))
  }, options)
  return {
    alert: async (id) => (isId(id) ? alerts.load(id) : undefined),
    entity: (id) => entities.load(id),
    decision: (id) => getDecision(db, id),
    coverage: (name) => coverage.load(name),
    finding: async (id) => (isId(id) ? findings.load(id) : undefined),
    step: (id) => steps.load(id),
  }
}

/** Undefined: it is no step's id, as `stepId` writes them. */
function stepKeyOf(id: string): StepKey | undefined {
  const [, src = '', type = '', dst = ''] = /^([1-9]\d{0,18})\/([a-z][a-z0-9-]*)\/([1-9]\d{0,18})$/.exec(id) ?? []
  return isRowNumber(src) && isRowNumber(dst) ? { src: BigInt(src), type, dst: BigInt(dst) } : undefined
}
