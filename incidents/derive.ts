/** Derives incidents from their groups: the same groups give the same incident, whatever the order their alerts came in. */
import type { Alert } from '../domain/alert.ts'
import { getAlerts } from '../store/alerts.ts'
import type { Queryable, Transaction } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { saveIncident } from '../store/incidents.ts'
import * as rows from '../store/memberships.ts'
import { correlationVersion } from './correlate.ts'
import { assess } from './severity.ts'
import { incidentTitle } from './title.ts'

export async function derive(tx: Transaction, incidentIds: readonly string[], now: Date): Promise<void> {
  const groups = await rows.groupsOf(tx, incidentIds)
  for (const id of incidentIds) {
    const mine = groups.get(id) ?? []
    if (mine.length === 0) continue
    const contexts = await rows.contextIdsOf(tx, id)
    const { severity, reasons } = assess(mine)
    const [member] = await rows.membershipsOf(tx, { alertIds: await firstAlertId(tx, id) })
    const [alert] = member === undefined ? [] : await getAlerts(tx, [member.alertId])
    if (alert === undefined) continue
    await saveIncident(
      tx,
      {
        id,
        scope: alert.scope,
        title: incidentTitle(mine, await placeName(tx, contexts, alert)),
        severity,
        severityFloor: severity,
        severityReasons: reasons,
        correlationVersion,
        alertCount: mine.reduce((sum, group) => sum + group.count, 0),
        firstNs: mine.reduce((least, group) => (group.firstNs < least ? group.firstNs : least), mine[0]?.firstNs ?? 0n),
        lastNs: mine.reduce((most, group) => (group.lastNs > most ? group.lastNs : most), mine[0]?.lastNs ?? 0n),
        tactics: distinct(mine.flatMap((group) => group.tactics)),
        techniques: distinct(mine.flatMap((group) => group.techniques)),
        rules: distinct(mine.map((group) => group.rule)),
        entityIds: contexts.map((context) => context.id),
      },
      now,
    )
  }
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort()

async function firstAlertId(tx: Queryable, incidentId: string): Promise<string[]> {
  const first = await rows.firstAlertOf(tx, incidentId)
  return first === undefined ? [] : [first]
}

async function placeName(tx: Queryable, contexts: Awaited<ReturnType<typeof rows.contextIdsOf>>, alert: Alert): Promise<string> {
  const ids = (kind: string): bigint[] => contexts.filter((context) => context.kind === kind).map((context) => context.id)
  const [named] = await getEntities(tx, ids('workload').length > 0 ? ids('workload').slice(0, 1) : ids('pod').slice(0, 1))
  if (named !== undefined) return `${named.namespace}/${named.name}`
  if (alert.pod !== null) return `${alert.pod.namespace}/${alert.pod.name}`
  if (alert.container !== null) return `container ${alert.container.name ?? alert.container.id.slice(0, 12)}`
  return alert.hostname === null ? 'an unnamed host' : `host ${alert.hostname}`
}
