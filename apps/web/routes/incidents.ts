/** Incidents and their alerts: the list, one incident, its decisions, and one alert. */
import { InputError, NotFoundError } from '../../../domain/errors.ts'
import { isId } from '../../../domain/ids.ts'
import { type Decision, type Incident, IncidentState } from '../../../domain/incident.ts'
import { nothingKnown } from '../../../incidents/baseline.ts'
import { Verdict } from '../../../domain/report.ts'
import { decide } from '../../../incidents/decide.ts'
import { normalBefore, usualOfAlerts } from '../../../incidents/normal.ts'
import { searchAlerts } from '../../../store/alert-search.ts'
import { getAlert, getAlerts, listAlerts } from '../../../store/alerts.ts'
import type { Queryable } from '../../../store/database.ts'
import { getEntities } from '../../../store/entities.ts'
import { type GroupRow, groupsOf } from '../../../store/groups.ts'
import { decisionsOf } from '../../../store/decisions.ts'
import { countIncidents, type IncidentFilter, listIncidents } from '../../../store/incidents.ts'
import { endsOfRules, joinReasonsOf, type Membership, membershipsOf, scopesOf, tellingTheSame } from '../../../store/memberships.ts'
import { getInvestigation, type Investigation, latestReports } from '../../../store/investigations.ts'
import { stepsOf } from '../../../store/analyst-steps.ts'
import { deepeningsOf } from '../../../store/deepenings.ts'
import { spentOnEach } from '../../../store/spend.ts'
import { triageOf } from '../../../store/triage.ts'
import { listUsers } from '../../../store/people.ts'
import { countProposals, listProposals } from '../../../store/proposals.ts'
import { getSource, listSources } from '../../../store/sources.ts'
import type { Falconer } from '../../server/falconer.ts'
import { AlertQuery, searchOf } from '../../server/alert-query.ts'
import { rulesAsLoaded } from '../../../collectors/falco-rules/as-loaded.ts'
import { findIncident } from '../../../store/find.ts'
import { allInvestigations, askNow, cappedWords, monthCap } from '../../server/asking.ts'
import { connectText } from '../../server/sources.ts'
import { alertPage, alertsPage } from '../alert-page.ts'
import { incidentPage } from '../incident-page.ts'
import { type IncidentsData, incidentsPage } from '../incidents-page.ts'
import type { Readers } from '../readers-part.ts'
import { searchPage } from '../search-page.ts'
import { type Fields, form, page, type Shown, type SignedIn, type WebRoute } from '../route.ts'

const timelineLength = 200
const timelineRules = 40
const filters: Record<IncidentsData['show'], IncidentFilter> = {
  open: { minSeverity: 'medium', notClosed: true },
  quiet: { maxSeverity: 'low', notClosed: true },
  closed: { state: 'closed' },
}

async function showList({ falconer, who, query }: SignedIn): Promise<Shown> {
  const { db } = falconer
  const wanted = query('show')
  const show = wanted === 'quiet' || wanted === 'closed' ? wanted : 'open'
  const { incidents, next } = await listIncidents(db, filters[show], { cursor: query('cursor'), limit: 50 })
  const sources = await listSources(db)
  const falco = sources.find((source) => source.collector === 'falco' && !source.name.endsWith('-import'))
  const ids = incidents.map((one) => one.id)
  return incidentsPage(falconer, who, {
    incidents,
    next,
    show,
    sources,
    reports: await latestReports(db, ids),
    counts: await countIncidents(db),
    waiting: (await countProposals(db)).pending ?? 0,
    connect: falco === undefined ? null : { id: falco.id, name: falco.name, text: connectText(falconer, falco, 'SECRET') },
  })
}

async function showOne({ falconer, context, who, param, query }: SignedIn): Promise<Shown> {
  const { db } = falconer
  const incident = await findIncident(db, param('incident'))
  if (incident.id !== param('incident')) return context.redirect(`/incidents/${incident.id}`)
  const groups = (await groupsOf(db, [incident.id])).get(incident.id) ?? []
  const memberships = await timelineOf(db, incident, groups)
  const byId = new Map(memberships.map((one) => [one.alertId, one]))
  const alerts = await getAlerts(db, [...byId.keys()])
  const relayed = await tellingTheSame(db, [...byId.keys()])
  const others = await listIncidents(db, { scope: incident.scope }, { limit: 20 })
  const investigations = await allInvestigations(falconer, incident.id)
  return incidentPage(falconer, who, {
    incident,
    alerts: alerts.map((alert) => {
      const membership = byId.get(alert.id)
      const routes = relayed.get(alert.id)?.length ?? 0
      return { ...alert, reasons: membership?.reasons ?? [], inferred: membership?.context.inferred ?? false, relayed: routes }
    }),
    groups,
    normal: (await normalBefore(db, [incident])).get(incident.id) ?? nothingKnown,
    investigations,
    readers: await readersOf(falconer, incident, investigations, query('report')),
    entities: await getEntities(db, incident.entityIds),
    proposals: await listProposals(db, { incidentId: incident.id }, 50),
    decisions: await decisionsOf(db, incident.id),
    others: others.incidents.filter((one) => one.id !== incident.id),
    scopes: (await scopesOf(db, [incident.id])).get(incident.id) ?? [],
    joins: await joinReasonsOf(db, incident.id),
    people: new Map((await listUsers(db)).map((user) => [user.id, user.name])),
  })
}

/** `wanted`: another report than the one that stands first. */
async function readersOf(
  falconer: Falconer,
  incident: Incident,
  investigations: Investigation[],
  wanted: string | undefined,
): Promise<Readers> {
  const { db, asking } = falconer
  const first = (await latestReports(db, [incident.id])).get(incident.id) ?? null
  const named = wanted === undefined || !isId(wanted) ? undefined : await getInvestigation(db, wanted)
  const deepenings = await deepeningsOf(db, incident.id)
  const [newest] = deepenings
  const ids = [...deepenings, ...investigations].map(({ id }) => id)
  return {
    incidentId: incident.id,
    investigations,
    first,
    shown: named?.incidentId === incident.id && named.report !== null ? named : first,
    triage: await triageOf(db, incident.id),
    deepenings,
    steps: newest === undefined ? [] : await stepsOf(db, newest.id),
    spent: await spentOnEach(db, ids),
    barred: asking.why ?? cappedWords(await monthCap(falconer)),
  }
}

/** All of it, or, where that is more than a page shows, how each rule began and ended. */
async function timelineOf(db: Queryable, incident: Incident, groups: readonly GroupRow[]): Promise<Membership[]> {
  if (incident.alertCount - incident.expiredAlerts <= timelineLength)
    return membershipsOf(db, { incidentId: incident.id, limit: timelineLength, shown: true })
  const rules = [...new Set(groups.map((group) => group.rule))].slice(0, timelineRules)
  return membershipsOf(db, { alertIds: await endsOfRules(db, incident.id, rules, { first: 3, last: 2 }) })
}

async function showAlert({ falconer, who, param }: SignedIn): Promise<Shown> {
  const { db } = falconer
  const id = param('alert')
  const alert = isId(id) ? await getAlert(db, id) : undefined
  if (alert === undefined) throw new NotFoundError('There is no such alert. It may have been dropped when its retention time was over.')
  const [membership] = await membershipsOf(db, { alertIds: [id] })
  const source = alert.sourceId === null ? undefined : await getSource(db, alert.sourceId)
  const place =
    membership === undefined ? null : { incidentId: membership.incidentId, how: membership.context.how, sourceName: source?.name ?? null }
  const same = membership?.sameAs ?? id
  const others = [same, ...((await tellingTheSame(db, [same])).get(same) ?? [])].filter((one) => one !== id)
  const loaded = alert.sensor === 'falco' ? await rulesAsLoaded(db, { scope: alert.scope, name: alert.rule }) : null
  const usual = (await usualOfAlerts(db, [alert])).get(alert.id)
  return alertPage(falconer, who, alert, place, await getAlerts(db, others), loaded, usual ?? null)
}

async function search({ falconer, who, query }: SignedIn): Promise<Shown> {
  const names = Object.keys(AlertQuery.shape)
  const given = Object.fromEntries(names.flatMap((name) => (query(name)?.trim() ? [[name, query(name)?.trim() ?? '']] : [])))
  const asked = AlertQuery.safeParse(given)
  if (!asked.success) {
    const problem = asked.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
    return searchPage(falconer, who, { given, problem, found: null })
  }
  const found = await searchAlerts(falconer.db, searchOf(asked.data), { cursor: query('cursor'), limit: 100 })
  return searchPage(falconer, who, { given, problem: null, found })
}

export const incidentRoutes: readonly WebRoute[] = [
  page('/', 'incidents.read', async ({ context }) => context.redirect('/incidents')),
  page('/incidents', 'incidents.read', showList),
  page('/incidents/:incident', 'incidents.read', showOne),
  page('/incidents/:incident/alerts', 'incidents.read', async ({ falconer, who, param, query }) => {
    const incident = await findIncident(falconer.db, param('incident'))
    const rule = query('rule') || undefined
    const { alerts, next } = await listAlerts(falconer.db, { incidentId: incident.id, rule }, { cursor: query('cursor'), limit: 100 })
    return alertsPage(falconer, who, incident, { alerts, next, rule: rule ?? null })
  }),
  form('/incidents/:incident/investigate', 'investigations.run', async ({ falconer, context, who, param, fields }) => {
    const incident = await findIncident(falconer.db, param('incident'))
    if (fields.get('analyst') === 'claude') await askNow(falconer, incident.id, who)
    else await falconer.investigateNow(incident.id, who.principal.name)
    return context.redirect(`/incidents/${incident.id}`, 303)
  }),
  form('/incidents/:incident/decisions', 'incidents.decide', async ({ falconer, context, who, param, fields }) => {
    const { db, clock } = falconer
    const incident = await findIncident(db, param('incident'))
    const decision = await decisionFrom(falconer, incident.id, fields)
    const id = await decide(db, clock, who.principal, who.channel, decision, fields.get('reason').slice(0, 2_000))
    falconer.changed('incidents')
    return context.redirect(`/incidents/${id}`, 303)
  }),
  page('/alerts', 'incidents.read', search),
  page('/alerts/:alert', 'incidents.read', showAlert),
]

async function decisionFrom(falconer: Falconer, incident: string, fields: Fields): Promise<Decision> {
  const [kind, value] = fields.get('do').split(':')
  if (kind === 'note') {
    const text = fields.get('reason').trim()
    if (text === '' || text.length > 10_000) throw new InputError('A note has 1 to 10,000 characters.')
    return { kind, incident, text }
  }
  if (kind === 'state') {
    const state = IncidentState.safeParse(value)
    if (!state.success) throw new InputError('That is not a state an incident can have.')
    return { kind, incident, state: state.data }
  }
  if (kind === 'verdict') {
    const verdict = Verdict.safeParse(fields.get('verdict'))
    if (!verdict.success) throw new InputError(`Choose what it was: ${Verdict.options.join(', ')}.`)
    return { kind, incident, verdict: verdict.data }
  }
  if (kind === 'merge') return { kind, into: incident, from: (await findIncident(falconer.db, fields.get('from'))).id }
  if (kind === 'split') {
    const alerts = fields.all('alert')
    if (alerts.length === 0 || !alerts.every(isId)) throw new InputError('Choose the alerts to split off.')
    return { kind, incident, alerts }
  }
  throw new InputError('That is not a decision this page offers.')
}
