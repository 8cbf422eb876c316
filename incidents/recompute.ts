/**
 * Recomputing a scope's incidents from its alerts and what people decided, by the rules as they are now. What inventory
 * said of an alert when it was placed is kept with it, so this gives the same incidents as placing one by one did.
 */
import type { Clock } from '../domain/clock.ts'
import type { Entity } from '../domain/entity.ts'
import type { SharedFact } from '../domain/incident.ts'
import { getAlerts } from '../store/alerts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { partingDecisions } from '../store/decisions.ts'
import { getEntities } from '../store/entities.ts'
import { incidentsOfScope, outdatedScopes } from '../store/incidents.ts'
import { type Membership, membershipsOf, writeMemberships } from '../store/memberships.ts'
import { lockIncidents } from '../store/segments.ts'
import type { AlertContext } from './context.ts'
import { correlationVersion, factsOf, withFacts } from './correlate.ts'
import { baselinesOf, countDays } from './count-days.ts'
import { decidedFacts } from './decided-facts.ts'
import { recluster } from './recluster.ts'

/** After an upgrade: recomputes the scopes whose incidents an older version of the rules made. Answers which. */
export async function recomputeOutdated(db: Database, clock: Clock): Promise<string[]> {
  const scopes = await outdatedScopes(db, correlationVersion)
  for (const scope of scopes) await recompute(db, clock, scope)
  return scopes
}

/** All in one transaction and in memory: a scope's alerts, some 500 bytes each. */
export async function recompute(db: Database, clock: Clock, scope: string): Promise<string[]> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    const incidentIds = await incidentsOfScope(tx, scope)
    const decided = decidedFacts(await partingDecisions(tx))
    for (const incidentId of incidentIds) {
      const members = await membershipsOf(tx, { incidentId })
      for (let from = 0; from < members.length; from += 500) await refreshFacts(tx, members.slice(from, from + 500), decided, clock.now())
    }
    return recluster(tx, incidentIds, clock.now())
  })
}

/** What an alert is counted as follows too: alerts of before that was kept are counted now. */
async function refreshFacts(
  tx: Transaction,
  members: readonly Membership[],
  decided: ReadonlyMap<string, SharedFact[]>,
  now: Date,
): Promise<void> {
  const alerts = new Map(
    (
      await getAlerts(
        tx,
        members.map((member) => member.alertId),
      )
    ).map((alert) => [alert.id, alert]),
  )
  const ids = members.flatMap(({ context }) => [context.container, context.pod, context.workload, context.node])
  const named = await getEntities(tx, [...new Set(ids)].filter((id) => id !== null).map(BigInt))
  const entities = new Map(named.map((entity) => [entity.id.toString(), entity]))
  const find = (id: string | null): Entity | null => (id === null ? null : (entities.get(id) ?? null))
  const placed = members.flatMap((member) => {
    const alert = alerts.get(member.alertId)
    if (alert === undefined) return []
    const { container, pod, workload, node, inferred, how } = member.context
    const context: AlertContext = { container: find(container), pod: find(pod), workload: find(workload), node: find(node), inferred, how }
    return [{ alert, context, before: member }]
  })
  const counted = await baselinesOf(tx, placed)
  await writeMemberships(
    tx,
    placed.map(({ alert, context, before }) => ({
      ...before,
      baseline: counted.of.get(alert.id) ?? null,
      facts: withFacts(decided.get(alert.id) ?? [], factsOf(alert, context)),
    })),
  )
  const incidentOf = new Map(members.map(({ alertId, incidentId }) => [alertId, incidentId]))
  await countDays(tx, placed, counted, { incidentOf, linked: [], now })
}
