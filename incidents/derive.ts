/** Derives incidents from their groups: the same groups give the same incident, whatever the order their alerts came in. */
import type { Lead } from '../domain/alert.ts'
import { identityOfArn } from '../domain/cloud.ts'
import type { Entity } from '../domain/entity.ts'
import { getLeads } from '../store/alerts.ts'
import type { Transaction } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import type { GroupRow, Place } from '../store/groups.ts'
import { partsOf } from '../store/incident-parts.ts'
import { type DerivedIncident, getIncident, saveIncidents } from '../store/incidents.ts'
import type { Normal } from './baseline.ts'
import { correlationVersion } from './correlate.ts'
import { normalBefore } from './normal.ts'
import { fieldOf } from './origin.ts'
import { assess } from './severity.ts'
import { incidentTitle } from './title.ts'

/** A handful of statements, however many incidents a batch of alerts touched. */
export async function derive(tx: Transaction, incidentIds: readonly string[], now: Date): Promise<void> {
  const parts = await partsOf(tx, incidentIds)
  const alerts = new Map(
    (
      await getLeads(
        tx,
        [...parts.values()].flatMap(({ first }) => first?.alertId ?? []),
      )
    ).map((alert) => [alert.id, alert]),
  )
  const candidates = new Map(incidentIds.map((id) => [id, namesakes(parts.get(id)?.first?.place ?? null, parts.get(id)?.places ?? [])]))
  const named = new Map((await getEntities(tx, [...new Set([...candidates.values()].flat())])).map((entity) => [entity.id, entity]))
  const found: (Head & { id: string; mine: GroupRow[]; firstNs: bigint })[] = []
  for (const id of incidentIds) {
    const first = alerts.get(parts.get(id)?.first?.alertId ?? '')
    const mine = parts.get(id)?.groups ?? []
    const head =
      first === undefined
        ? await keptHead(tx, id)
        : headOf(first, mine, firstByName((candidates.get(id) ?? []).flatMap((one) => named.get(one) ?? [])))
    if (head !== undefined && mine.length > 0) found.push({ id, ...head, mine, firstNs: earliest(mine) })
  }
  const normal = await normalBefore(tx, found)
  const derived = found.map(({ mine, ...one }) => ({ ...one, ...conclusions(mine, parts.get(one.id)?.places ?? [], normal.get(one.id)) }))
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

/** What an incident may be named after: where its first alert was; if that was nowhere in a cluster its workloads, else its pods. */
function namesakes(first: bigint | null, places: readonly Place[]): bigint[] {
  if (first !== null) return [first]
  const workloads = places.filter((place) => place.kind === 'workload')
  return (workloads.length > 0 ? workloads : places.filter((place) => place.kind === 'pod')).slice(0, 50).map((place) => place.id)
}
/** Not by its row: which came first to us says nothing. */
const firstByName = (entities: readonly Entity[]): Entity | undefined => entities.toSorted((a, b) => (nameKey(a) < nameKey(b) ? -1 : 1))[0]
const nameKey = ({ scope, namespace, name, key }: Entity): string => [scope, namespace ?? '', name, key].join('\n')

function placeName(alert: Lead, named: Entity | undefined): string {
  if (named !== undefined) return `${named.namespace}/${named.name}`
  if (alert.pod !== null) return `${alert.pod.namespace}/${alert.pod.name}`
  if (alert.container !== null) return `container ${alert.container.name ?? alert.container.id.slice(0, 12)}`
  return alert.hostname === null ? (byWhom(alert) ?? 'an unnamed host') : `host ${alert.hostname}`
}

/** Of an audit log: whose doing it was. */
function byWhom(alert: Lead): string | null {
  const arn = fieldOf(alert, 'ct.user.arn') ?? fieldOf(alert, 'aws.user.arn')
  const identity = arn === null ? undefined : identityOfArn(arn)
  if (identity?.identityKind === 'root') return `account ${identity.account} by its root user`
  if (identity !== undefined) return `account ${identity.account} by ${identity.identityKind} ${identity.name.slice(0, 100)}`
  const user = arn ?? fieldOf(alert, 'ka.user.name') ?? fieldOf(alert, 'gcp.user') ?? fieldOf(alert, 'ct.user.principalid')
  return user === null ? null : `${alert.scope} by ${user.slice(0, 100)}`
}
