/** Derives incidents from their groups: the same groups give the same incident, whatever the order their alerts came in. */
import type { Lead } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import { getLeads } from '../store/alerts.ts'
import type { Transaction } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { type GroupRow, groupsOf, type Place, placesOf } from '../store/groups.ts'
import { type DerivedIncident, getIncident, saveIncidents } from '../store/incidents.ts'
import { firstAlertsOf } from '../store/memberships.ts'
import type { Normal } from './baseline.ts'
import { correlationVersion } from './correlate.ts'
import { normalBefore } from './normal.ts'
import { assess } from './severity.ts'
import { incidentTitle } from './title.ts'

/** A handful of statements, however many incidents a batch of alerts touched. */
export async function derive(tx: Transaction, incidentIds: readonly string[], now: Date): Promise<void> {
  const groups = await groupsOf(tx, incidentIds)
  const places = await placesOf(tx, incidentIds)
  const firsts = await firstAlertsOf(tx, incidentIds)
  const alerts = new Map((await getLeads(tx, [...firsts.values()])).map((alert) => [alert.id, alert]))
  const names = new Map([...places].map(([id, found]) => [id, namesake(found)]))
  const named = new Map(
    (
      await getEntities(
        tx,
        [...names.values()].filter((id): id is bigint => id !== undefined),
      )
    ).map((entity) => [entity.id, entity]),
  )
  const found: (Head & { id: string; mine: GroupRow[]; firstNs: bigint })[] = []
  for (const id of incidentIds) {
    const first = alerts.get(firsts.get(id) ?? '')
    const mine = groups.get(id) ?? []
    const head = first === undefined ? await keptHead(tx, id) : headOf(first, mine, named.get(names.get(id) ?? -1n))
    if (head !== undefined && mine.length > 0) found.push({ id, ...head, mine, firstNs: earliest(mine) })
  }
  const normal = await normalBefore(tx, found)
  const derived = found.map(({ mine, ...one }) => ({ ...one, ...conclusions(mine, places.get(one.id) ?? [], normal.get(one.id)) }))
  await saveIncidents(tx, derived, now)
}

type Head = Pick<DerivedIncident, 'scope' | 'title'>
const headOf = (first: Lead, groups: readonly GroupRow[], named: Entity | undefined): Head => ({
  scope: first.scope,
  title: incidentTitle(groups, placeName(first, named)),
})

/** Of an incident whose alerts retention has removed, all of them: it stays called what it was. */
async function keptHead(tx: Transaction, id: string): Promise<Head | undefined> {
  const incident = await getIncident(tx, { id })
  return incident && { scope: incident.scope, title: incident.title }
}

const earliest = (groups: readonly GroupRow[]): bigint =>
  groups.reduce((least, group) => (group.firstNs < least ? group.firstNs : least), groups[0]?.firstNs ?? 0n)

function conclusions(
  groups: readonly GroupRow[],
  places: readonly Place[],
  normal: Normal | undefined,
): Omit<DerivedIncident, 'id' | 'firstNs' | keyof Head> {
  const { severity, reasons } = assess(groups, normal)
  return {
    severity,
    severityFloor: severity,
    severityReasons: reasons,
    correlationVersion,
    alertCount: groups.reduce((sum, group) => sum + group.count, 0),
    lastNs: groups.reduce((most, group) => (group.lastNs > most ? group.lastNs : most), groups[0]?.lastNs ?? 0n),
    tactics: distinct(groups.flatMap((group) => group.tactics)),
    techniques: distinct(groups.flatMap((group) => group.techniques)),
    rules: distinct(groups.map((group) => group.rule)),
    entityIds: [...new Set(places.map((place) => place.id))],
  }
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort()

/** The record an incident is named after: its first workload, else its first pod. */
const namesake = (places: readonly Place[]): bigint | undefined =>
  (places.find((place) => place.kind === 'workload') ?? places.find((place) => place.kind === 'pod'))?.id

function placeName(alert: Lead, named: Entity | undefined): string {
  if (named !== undefined) return `${named.namespace}/${named.name}`
  if (alert.pod !== null) return `${alert.pod.namespace}/${alert.pod.name}`
  if (alert.container !== null) return `container ${alert.container.name ?? alert.container.id.slice(0, 12)}`
  return alert.hostname === null ? 'an unnamed host' : `host ${alert.hostname}`
}
