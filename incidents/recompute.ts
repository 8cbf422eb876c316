/**
 * Recomputing a scope's incidents from its alerts and what people decided, by the rules as they are now. What inventory said of an alert's own place
 * when it was placed is kept with it, and of its moves it is asked again, so this gives the same incidents as placing one by one did.
 */
import type { Clock } from '../domain/clock.ts'
import type { Lead } from '../domain/alert.ts'
import type { SharedFact } from '../domain/incident.ts'
import { getLeads } from '../store/alerts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { partingDecisions } from '../store/decisions.ts'
import { outdatedScopes } from '../store/incidents.ts'
import { type Membership, membershipsOf, noteWaits, writeMemberships } from '../store/memberships.ts'
import { incidentsTouchingScopes, lockIncidents } from '../store/segments.ts'
import type { AlertContext, Inventory } from './context.ts'
import { correlationVersion, factsOf, withFacts } from './correlate.ts'
import { baselinesOf, countDays } from './count-days.ts'
import { decidedFacts } from './decided-facts.ts'
import { allAsked, batchedInventory } from './inventory.ts'
import { contextFrom, type NamedRecords, recordsNamed } from './kept-context.ts'
import { movesOf } from './moves.ts'
import { recluster } from './recluster.ts'

/** After an upgrade: recomputes the scopes whose incidents an older version of the rules made. Answers which. */
export async function recomputeOutdated(db: Database, clock: Clock): Promise<string[]> {
  const scopes = await outdatedScopes(db, correlationVersion)
  for (const scope of scopes) await recompute(db, clock, scope)
  return scopes
}

/** With the scopes that its alerts' moves lead to, or come from. All in one transaction and in memory: the alerts, some 500 bytes each. */
export async function recompute(db: Database, clock: Clock, scope: string): Promise<string[]> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    const decided = decidedFacts(await partingDecisions(tx))
    const scopes = new Set([scope])
    const refreshed = new Set<string>()
    for (let before = -1; before < scopes.size;) {
      before = scopes.size
      for (const incidentId of await incidentsTouchingScopes(tx, [...scopes])) {
        if (refreshed.has(incidentId)) continue
        refreshed.add(incidentId)
        for (const found of await refreshIncident(tx, incidentId, decided, clock.now())) scopes.add(found)
      }
    }
    return recluster(tx, [...refreshed].sort(), clock.now())
  })
}

/** Answers all the scopes that its alerts have to do with. */
async function refreshIncident(
  tx: Transaction,
  incidentId: string,
  decided: ReadonlyMap<string, SharedFact[]>,
  now: Date,
): Promise<Set<string>> {
  const scopes = new Set<string>()
  const members = await membershipsOf(tx, { incidentId })
  for (let from = 0; from < members.length; from += 500)
    for (const { scope, facts } of await refreshFacts(tx, members.slice(from, from + 500), decided, now)) {
      scopes.add(scope)
      for (const fact of facts) if (fact.scope !== undefined && fact.scope !== '') scopes.add(fact.scope)
    }
  return scopes
}

/** What an alert is counted as follows too: alerts of before that was kept are counted now. */
async function refreshFacts(
  tx: Transaction,
  members: readonly Membership[],
  decided: ReadonlyMap<string, SharedFact[]>,
  now: Date,
): Promise<Membership[]> {
  const leads = await getLeads(
    tx,
    members.map((member) => member.alertId),
  )
  const alerts = new Map(leads.map((alert) => [alert.id, alert]))
  const records = await recordsNamed(
    tx,
    members.map(({ context }) => context),
  )
  const inventory = batchedInventory(tx, { fromNs: members[0]?.eventNs ?? 0n, untilNs: members.at(-1)?.eventNs ?? 0n })
  const found = await allAsked(members.map((member) => refresh(member, alerts.get(member.alertId), records, inventory, decided)))
  const placed = found.flatMap(({ member, alert, context }) =>
    alert === undefined || context === null ? [] : [{ alert, context, before: member }],
  )
  const counted = await baselinesOf(tx, placed)
  const written = found.map(({ member }) => ({ ...member, baseline: counted.of.get(member.alertId) ?? member.baseline }))
  await writeMemberships(tx, written)
  const incidentOf = new Map(members.map(({ alertId, incidentId }) => [alertId, incidentId]))
  await countDays(tx, placed, counted, { incidentOf, linked: [], now })
  const waits = found.flatMap(({ member: { alertId, eventNs }, waits: keys }) => keys.map((key) => ({ key, alertId, eventNs })))
  await noteWaits(tx, waits)
  return written
}

async function refresh(
  member: Membership,
  alert: Lead | undefined,
  records: NamedRecords,
  inventory: Inventory,
  decided: ReadonlyMap<string, SharedFact[]>,
): Promise<{ member: Membership; alert: Lead | undefined; context: AlertContext | null; waits: string[] }> {
  if (alert === undefined) return { member, alert, context: null, waits: [] }
  const context = contextFrom(member.context, records)
  const moves = await movesOf(alert, context, inventory)
  const facts = withFacts(decided.get(alert.id) ?? [], factsOf(alert, context, moves.facts))
  return { member: { ...member, facts }, alert, context, waits: moves.waits }
}
