/** Operations on incidents and their alerts: list, read, investigate, and the decisions people make about them. */
import { z } from 'zod'
import type { Alert } from '../../../domain/alert.ts'
import { NotFoundError } from '../../../domain/errors.ts'
import { formatEventTime } from '../../../domain/event-time.ts'
import { isId } from '../../../domain/ids.ts'
import { IncidentState, JoinReason } from '../../../domain/incident.ts'
import { Verdict } from '../../../domain/report.ts'
import { Severity } from '../../../domain/severity.ts'
import { decide } from '../../../incidents/decide.ts'
import { normalBefore, usualOfAlerts } from '../../../incidents/normal.ts'
import { searchAlerts } from '../../../store/alert-search.ts'
import { getAlert, listAlerts } from '../../../store/alerts.ts'
import type { Queryable } from '../../../store/database.ts'
import { decisionsOf } from '../../../store/decisions.ts'
import { listIncidents } from '../../../store/incidents.ts'
import { joinReasonsOf, scopesOf } from '../../../store/memberships.ts'
import { latestReports } from '../../../store/investigations.ts'
import { listProposals } from '../../../store/proposals.ts'
import { AlertQuery, searchOf } from '../alert-query.ts'
import { findIncident } from '../../../store/find.ts'
import { spentOnEach } from '../../../store/spend.ts'
import { triageOf } from '../../../store/triage.ts'
import { allInvestigations, triageWords } from '../asking.ts'
import { operation } from './operation.ts'
import { AlertView, alertView } from './views/alert.ts'
import { NormalView, normalView } from './views/baseline.ts'
import {
  DecisionView,
  decisionView,
  IncidentView,
  incidentView,
  InvestigationBrief,
  investigationBrief,
  InvestigationView,
  investigationView,
  TriageView,
} from './views/incident.ts'
import { time } from './views/fields.ts'
import { ProposalView, proposalView } from './views/proposal.ts'

const page = {
  cursor: z
    .string()
    .regex(/^(?:\d_)?-?\d{1,19}_[0-9a-f-]{36}$/i, 'is not the `next` of a page')
    .optional()
    .describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
}
const reason = z.string().max(2_000).default('')

async function alertViews(db: Queryable, alerts: readonly Alert[]): Promise<z.infer<typeof AlertView>[]> {
  const usual = await usualOfAlerts(db, alerts)
  return alerts.map((alert) => alertView(alert, usual.get(alert.id)))
}

export const incidentOperations = [
  operation({
    id: 'listIncidents',
    method: 'GET',
    path: '/incidents',
    permission: 'incidents.read',
    summary: 'Incidents, most severe and newest first',
    query: z.object({
      ...page,
      severity: Severity.optional().describe('At least this severe'),
      state: IncidentState.optional(),
      scope: z.string().optional(),
    }),
    response: z.object({ incidents: z.array(IncidentView), next: z.string().nullable() }),
    run: async ({ falconer: { db }, query }) => {
      const { incidents, next } = await listIncidents(db, { minSeverity: query.severity, state: query.state, scope: query.scope }, query)
      const reports = await latestReports(
        db,
        incidents.map((incident) => incident.id),
      )
      return { incidents: incidents.map((incident) => incidentView(incident, reports.get(incident.id))), next }
    },
  }),
  operation({
    id: 'getIncident',
    method: 'GET',
    path: '/incidents/:incident',
    permission: 'incidents.read',
    summary: 'One incident with why its alerts are one, the report that stands first, decisions and proposals',
    response: z.object({
      incident: IncidentView,
      scopes: z.array(z.string()).describe('Clusters and accounts whose alerts it holds'),
      joins: z
        .array(JoinReason.extend({ alerts: z.number().int().describe('How many alerts were joined so') }))
        .describe('Why its alerts are one incident: moves that a relation explains first'),
      investigation: InvestigationView.nullable().describe('With the report that stands first; without one, the newest attempt'),
      investigations: z.array(InvestigationBrief).describe('All of them, newest first'),
      triage: TriageView.nullable().describe('Whether a model is asked about it; null: not decided yet'),
      normal: z
        .array(NormalView)
        .describe('How usual each of its rules was in its place by its process, before the day it began; the least usual first'),
      decisions: z.array(DecisionView),
      proposals: z.array(ProposalView),
    }),
    run: async ({ falconer, params }) => {
      const { db, asking } = falconer
      const incident = await findIncident(db, params.incident ?? '')
      const all = await allInvestigations(falconer, incident.id)
      const first = (await latestReports(db, [incident.id])).get(incident.id)
      const newest = first ?? all[0]
      const triaged = await triageOf(db, incident.id)
      const spent = await spentOnEach(
        db,
        all.map(({ id }) => id),
      )
      return {
        investigations: all.map((one) => investigationBrief(one, spent.get(one.id))),
        triage: triaged === null ? null : { ...triaged, says: triageWords(asking, triaged) },
        incident: incidentView(incident, newest),
        scopes: (await scopesOf(db, [incident.id])).get(incident.id) ?? [],
        joins: await joinReasonsOf(db, incident.id),
        investigation: newest === undefined ? null : investigationView(newest),
        normal: ((await normalBefore(db, [incident])).get(incident.id)?.here ?? []).map(normalView),
        decisions: (await decisionsOf(db, incident.id)).map(decisionView),
        proposals: (await listProposals(db, { incidentId: incident.id }, 100)).map((proposal) => proposalView(proposal)),
      }
    },
  }),
  operation({
    id: 'listIncidentAlerts',
    method: 'GET',
    path: '/incidents/:incident/alerts',
    permission: 'incidents.read',
    summary: 'The alerts of an incident, newest first',
    query: z.object(page),
    response: z.object({ alerts: z.array(AlertView), next: z.string().nullable() }),
    run: async ({ falconer: { db }, params, query }) => {
      const { alerts, next } = await listAlerts(db, { incidentId: (await findIncident(db, params.incident ?? '')).id }, query)
      return { alerts: await alertViews(db, alerts), next }
    },
  }),
  operation({
    id: 'decideIncident',
    method: 'POST',
    path: '/incidents/:incident/decisions',
    permission: 'incidents.decide',
    summary: 'Merge, split, set the state or verdict, or note; recorded and obeyed at every recomputation',
    body: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('merge'), from: z.string().describe('The incident that becomes part of this one'), reason }),
      z.object({ kind: z.literal('split'), alerts: z.array(z.uuid()).min(1).max(1_000), reason }),
      z.object({ kind: z.literal('state'), state: IncidentState, reason }),
      z.object({ kind: z.literal('verdict'), verdict: Verdict, reason }),
      z.object({ kind: z.literal('note'), text: z.string().min(1).max(10_000), reason }),
    ]),
    response: z.object({ incident: IncidentView }),
    run: async ({ falconer, params, body, who }) => {
      const { db, clock } = falconer
      const incident = await findIncident(db, params.incident ?? '')
      const { reason: why, ...decision } = body
      const made =
        decision.kind === 'merge'
          ? { kind: 'merge' as const, into: incident.id, from: (await findIncident(db, decision.from)).id }
          : { ...decision, incident: incident.id }
      const id = await decide(db, clock, who.principal, who.channel, made, why)
      falconer.changed('incidents')
      return { incident: incidentView(await findIncident(db, id), (await latestReports(db, [id])).get(id)) }
    },
  }),
  operation({
    id: 'searchAlerts',
    method: 'GET',
    path: '/alerts',
    permission: 'incidents.read',
    summary: 'Alerts of all incidents, newest first',
    query: AlertQuery.extend(page),
    response: z.object({
      alerts: z.array(AlertView),
      next: z.string().nullable(),
      lookedBackTo: time.nullable().describe('The search stopped there, not at the end; `next` goes on from there'),
    }),
    run: async ({ falconer: { db }, query: { cursor, limit, ...asked } }) => {
      const { alerts, next, lookedBackTo } = await searchAlerts(db, searchOf(asked), { cursor, limit })
      return { alerts: await alertViews(db, alerts), next, lookedBackTo: lookedBackTo === null ? null : formatEventTime(lookedBackTo) }
    },
  }),
  operation({
    id: 'getAlert',
    method: 'GET',
    path: '/alerts/:alert',
    permission: 'incidents.read',
    summary: 'One alert, its fields exactly as written',
    response: AlertView,
    run: async ({ falconer: { db }, params }) => {
      const alert = isId(params.alert ?? '') ? await getAlert(db, params.alert ?? '') : undefined
      if (alert === undefined) throw new NotFoundError(`There is no alert ${params.alert}.`)
      return alertView(alert, (await usualOfAlerts(db, [alert])).get(alert.id))
    },
  }),
]
