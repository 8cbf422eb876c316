/** One incident: what happened in cited sentences, what to do first, the timeline, why it is one incident, what is not known. */
import { html } from 'hono/html'
import { tacticTitle } from '../../domain/attack.ts'
import type { Alert } from '../../domain/alert.ts'
import type { Entity } from '../../domain/entity.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { shortId } from '../../domain/ids.ts'
import type { Incident, JoinReason, RecordedDecision } from '../../domain/incident.ts'
import { roleAtLeast } from '../../domain/principal.ts'
import { finalStates, type Proposal } from '../../domain/proposal.ts'
import { checkedWords, claimParts, type Report } from '../../domain/report.ts'
import { prioritySeverity } from '../../domain/severity.ts'
import type { Normal } from '../../incidents/baseline.ts'
import { type ProcessNode, processTrees } from '../../incidents/process-chain.ts'
import { getAction } from '../../responses/catalog/catalog.ts'
import type { GroupRow } from '../../store/groups.ts'
import type { Investigation } from '../../store/investigations.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { decideCard, decisionsCard } from './decide-part.ts'
import { type Join, joinsPart } from './joins-part.ts'
import { layout } from './layout.ts'
import { normalCard } from './normal-part.ts'
import {
  analystName,
  claimText,
  clockTime,
  evidenceOf,
  fact,
  type Html,
  linkBy,
  nothing,
  plural,
  severityBadge,
  stateBadge,
  timeOf,
  untrusted,
  verdictBadge,
  verdictWord,
  withTimes,
} from './parts.ts'
import { atWork, endedEarly, howItCame, isAtWork, type Readers, readersCard, writtenLine } from './readers-part.ts'
import { madePossible } from './root-cause-part.ts'
import { runbookPart } from './runbook-part.ts'

type Shown = Alert & { reasons: JoinReason[]; inferred: boolean; /** How many further alerts tell of the same event. */ relayed: number }
export type IncidentData = {
  incident: Incident
  investigations: Investigation[]
  /** In event order; of a storm, how each rule began and ended. */
  alerts: Shown[]
  groups: GroupRow[]
  normal: Normal
  entities: Entity[]
  proposals: Proposal[]
  decisions: RecordedDecision[]
  others: Incident[]
  /** Whose alerts it holds. */ scopes: string[]
  joins: Join[]
  people: Map<string, string>
  readers: Readers
}

export function incidentPage(falconer: Falconer, who: Who, data: IncidentData): Html {
  const { incident, readers } = data
  const shown = readers.shown
  const report = shown?.report ?? null
  const mayDecide = roleAtLeast(who.principal.role, 'investigator')
  const body = html`<p class="crumb"><a href="/incidents">Incidents</a> / ${shortId('incident', incident.id)}</p>
<h1>${untrusted(incident.title, 200)}</h1>
<p class="headline">${severityBadge(incident.severity)}${stateBadge(incident.state)}<span>${plural(incident.alertCount, 'alert')}</span><span>${spanOf(incident)}</span><span>${data.scopes.length > 1 ? html`in ${untrusted(data.scopes.join(', '), 200)}` : html`cluster ${untrusted(incident.scope, 100)}`}</span><a href="/incidents/${incident.id}/map">Map</a><a href="/chat?incident=${incident.id}">Ask about this incident</a></p>
${expired(incident)}
<div class="columns"><div>
${report === null ? notInvestigated(data) : nothing}
${firstThings(data, report)}
${atWork(falconer, readers)}
${report === null ? nothing : html`${happened(report, readers, incident)}${howItCame(readers)}${madePossible(report)}${notKnown(report)}${verdict(report)}${unusual(report)}`}
${runbookPart(incident)}
${joinsPart(data.joins)}
${processes(data)}
${timeline(data)}
</div><aside>
${readersCard(falconer, who, readers, mayDecide)}
<section class="card"><h2>Why it is ${incident.severity}</h2><ul class="claims">${incident.severityReasons.map((reason) => html`<li>${untrusted(reason.text, 300)}</li>`)}</ul></section>
${normalCard(data.normal)}
${where(data.entities)}
${attack(incident)}
${mayDecide ? decideCard(data, who) : nothing}
${decisionsCard(data)}
</aside></div>`
  return layout(
    { title: incident.title, place: 'incidents', who, falconer, live: ['incidents', 'proposals', ...(isAtWork(readers) ? ['steps'] : [])] },
    body,
  )
}

const expired = ({ alertCount, expiredAlerts }: Incident): Html =>
  expiredAlerts === 0
    ? nothing
    : html`<p class="quiet">${expiredAlerts === alertCount ? 'All of its alerts' : `${expiredAlerts} of its ${alertCount} alerts`} were removed when their retention time was over. What was counted and concluded of them stays.</p>`

/** One day is not written twice. */
function spanOf({ firstNs, lastNs }: Incident): Html {
  if (firstNs === lastNs) return timeOf(firstNs)
  const sameDay = formatEventTime(firstNs).slice(0, 10) === formatEventTime(lastNs).slice(0, 10)
  return html`${timeOf(firstNs)} – ${sameDay ? clockTime(lastNs) : timeOf(lastNs)}`
}

/** The answer before its reasons: what it is, who says so, and what waits for a decision. What is over is folded away. */
function firstThings({ proposals }: IncidentData, report: Report | null): Html {
  const oldestFirst = proposals.filter((one) => one.state !== 'superseded').toReversed()
  const open = oldestFirst.filter((one) => !finalStates.includes(one.state))
  const over = oldestFirst.filter((one) => finalStates.includes(one.state))
  const blocked = report?.actions.filter((one) => one.blocked !== null) ?? []
  if (report === null && oldestFirst.length === 0) return nothing
  return html`<section class="card first" aria-labelledby="todo"><h2 id="todo">What to do first</h2>
${report === null ? nothing : html`<p>${verdictBadge(report.verdict)} <strong>${report.confidence} confidence</strong>, says ${analystName(report)}. ${oldestFirst.length + blocked.length > 0 ? nothing : report.verdict !== 'benign' && report.fixFirst.length > 0 ? html`None of the actions there are helps here: <a href="#possible">what to change first</a> is for people to do.` : 'It recommends no action.'}</p>`}
${open.length === 0 ? nothing : html`<ul class="rows">${open.map(proposalRow)}</ul>`}
${blocked.map((one) => html`<p class="notice"><strong>${getAction(one.action).title}</strong> cannot be proposed: ${untrusted(one.blocked ?? '', 400)}</p>`)}
${over.length === 0 ? nothing : html`<details class="more" id="over"${open.length === 0 ? html` open` : nothing}><summary>${plural(over.length, 'action')} decided or over</summary><ul class="rows">${over.map(proposalRow)}</ul></details>`}</section>`
}

const proposalRow = (proposal: Proposal): Html =>
  html`<li><a class="row" href="/proposals/${proposal.id}"><span>${stateBadge(proposal.state)}</span><span class="title">${getAction(proposal.action).title} ${untrusted(proposal.target.name, 80)}</span><span class="aside">${proposal.state === 'pending' ? html`<span class="go">Read and decide</span>` : nothing}</span><span class="meta">${withTimes(untrusted(proposal.result?.text ?? proposal.stateReason ?? proposal.plan?.summary ?? proposal.reason, 200))}</span></a></li>`

function happened(report: Report, readers: Readers, incident: Incident): Html {
  const newer = (readers.shown?.incidentRevision ?? 0) < incident.revision
  return html`<section class="card" aria-labelledby="happened"><h2 id="happened">What happened</h2>${endedEarly(report)}
<ul class="claims">${report.summary.map((claim, index) => html`<li>${claimText(claim)}${evidenceOf(claim, `summary-${index}`)}</li>`)}</ul>
<p class="quiet">${writtenLine(readers, newer)}
${checkedWords(claimParts.flatMap((part) => report[part]))}</p></section>`
}

const notKnown = (report: Report): Html =>
  html`<section class="card" aria-labelledby="unknown"><h2 id="unknown">What is not known</h2>${report.unknowns.length === 0 ? html`<p>The report names nothing that it could not see.</p>` : html`<ul class="claims">${report.unknowns.map((one) => html`<li>${withTimes(untrusted(one, 400))}</li>`)}</ul>`}</section>`

function verdict(report: Report): Html {
  return html`<section class="card" aria-labelledby="verdict"><h2 id="verdict">Why ${verdictWord(report.verdict)} <span class="quiet">(${report.confidence} confidence)</span></h2>
<ul class="claims">${report.reasons.map((claim, index) => html`<li>${claimText(claim)}${evidenceOf(claim, `reason-${index}`)}</li>`)}</ul></section>`
}

function unusual(report: Report): Html {
  if (report.unusual.length === 0) return nothing
  return html`<section class="card" aria-labelledby="unusual"><h2 id="unusual">What is unusual</h2>
<ul class="claims">${report.unusual.map((claim, index) => html`<li>${claimText(claim)}${evidenceOf(claim, `unusual-${index}`)}</li>`)}</ul></section>`
}

/** Which process started which; what no alert is about is only the parent that an alert names. */
function processes({ alerts }: IncidentData): Html {
  // Processes without a parent or a child are in the timeline already.
  const trees = processTrees(alerts).filter((one) => one.children.length > 0)
  if (trees.length === 0) return nothing
  const draw = (nodes: readonly ProcessNode[]): Html =>
    html`<ul class="tree">${nodes.slice(0, 30).map((node) => html`<li><code>${untrusted(node.cmdline ?? node.name ?? 'unknown', 160)}</code>${node.pid === null ? nothing : html` <span class="quiet">pid ${node.pid.toString()}</span>`} ${node.implied ? nothing : html`<span class="quiet">${[...new Set(node.alerts.map((alert) => alert.rule))].slice(0, 3).map((rule, index) => html`${index === 0 ? '' : ', '}<a href="/alerts/${node.alerts.find((alert) => alert.rule === rule)?.id}">${untrusted(rule, 80)}</a>`)}</span>`}${node.children.length === 0 ? nothing : draw(node.children)}</li>`)}</ul>`
  return html`<section class="card" aria-labelledby="processes"><h2 id="processes">Which process started which</h2>${draw(trees)}</section>`
}

function notInvestigated({ incident, investigations }: IncidentData): Html {
  const [last] = investigations
  return html`<section class="card"><h2>Not investigated</h2><p>${last?.status === 'failed' ? html`The last attempt failed: ${untrusted(last.error ?? '', 300)}` : last?.status === 'running' ? 'An investigation is running; this page shows it when it is done.' : incident.severity === 'low' || incident.severity === 'informational' ? 'Incidents below medium severity wait until somebody asks.' : 'It is investigated as soon as no more alerts arrive for a moment.'}</p></section>`
}

/** Why they are one incident is said once; an alert says it again only where it differs. A run of the same rule is folded, a storm is counted. */
function timeline({ alerts, groups, incident }: IncidentData): Html {
  const common = commonest(alerts.map(joinedBy).filter((one) => one !== ''))
  const overDays = dayOf(alerts[0]) !== dayOf(alerts.at(-1))
  const left = new Map(
    [...Map.groupBy(groups, (group) => group.rule)].map(([rule, of]) => [
      rule,
      of.reduce((sum, group) => sum + group.count, 0) - alerts.filter((alert) => alert.rule === rule).length,
    ]),
  )
  const whole = incident.alertCount - incident.expiredAlerts <= alerts.length
  const runs = runsOf(alerts)
  const list = runs.map(({ day, first, rest }, at) => {
    const heading = overDays && day !== runs[at - 1]?.day ? html`<li class="day">${day}</li>` : nothing
    const folded = html`<li><span></span><details class="more" id="run-${at}"><summary>${plural(rest.length, 'more alert')} of this rule, until ${clockTime(rest.at(-1)?.eventNs ?? 0n)}</summary><ol class="timeline">${rest.map((alert) => moment(alert, common))}</ol></details></li>`
    const rule = first[0]?.rule ?? ''
    const between = whole ? 0 : (left.get(rule) ?? 0)
    left.delete(rule)
    return html`${heading}${first.map((alert) => moment(alert, common))}${rest.length === 0 ? nothing : folded}${between > 0 ? html`<li><span></span><div class="quiet">${linkBy(rule, (name) => `/incidents/${incident.id}/alerts?rule=${name}`, plural(between, 'more alert'))} of ${untrusted(rule, 120)}</div></li>` : nothing}`
  })
  return html`<section class="card" aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>${common === '' ? nothing : html`<p class="quiet">One incident because they share ${untrusted(common, 300)}.</p>`}${whole ? nothing : counts(incident, groups)}<ol class="timeline">${list}</ol></section>`
}

/** What there is more of than a page can show, rule by rule, most first. */
function counts(incident: Incident, groups: readonly GroupRow[]): Html {
  const most = groups.toSorted((a, b) => b.count - a.count).slice(0, 40)
  return html`<p class="quiet">Too many to show one by one: below is how each rule began and ended. <a href="/incidents/${incident.id}/alerts">All ${incident.alertCount.toLocaleString('en')} alerts</a></p>
<div class="table"><table class="stack"><thead><tr><th>Rule</th><th class="number">Alerts</th><th>First</th><th>Last</th></tr></thead><tbody>${most.map((group) => html`<tr><td class="wide">${linkBy(group.rule, (name) => `/incidents/${incident.id}/alerts?rule=${name}`, untrusted(group.rule, 120))} <span class="badge ${prioritySeverity[group.priority]}">${group.priority}</span></td><td class="number" data-label="Alerts">${group.count.toLocaleString('en')}</td><td data-label="First">${timeOf(group.firstNs)}</td><td data-label="Last">${timeOf(group.lastNs)}</td></tr>`)}</tbody></table></div>${groups.length > most.length ? html`<p class="quiet">and ${plural(groups.length - most.length, 'further rule')}.</p>` : nothing}`
}

const moment = (alert: Shown, common: string): Html =>
  html`<li>${clockTime(alert.eventNs)}<div><a href="/alerts/${alert.id}">${untrusted(alert.rule, 120)}</a> <span class="badge ${alert.severity}">${alert.priority}</span>${alert.seen > 1 ? html` <span class="quiet">received ${alert.seen} times</span>` : nothing}${alert.relayed > 0 ? html` <span class="quiet">came through falcosidekick too (inferred)</span>` : nothing}
${alert.process?.cmdline == null ? nothing : html`<div><code>${untrusted(alert.process.cmdline, 240)}</code></div>`}${['', common].includes(joinedBy(alert)) ? nothing : html`<div class="quiet">joined by ${untrusted(joinedBy(alert), 300)}</div>`}</div></li>`

const dayOf = (alert: Shown | undefined): string => (alert === undefined ? '' : formatEventTime(alert.eventNs).slice(0, 10))

/** Alerts of one rule, one after another on one day: a few are shown, the rest folded. */
function runsOf(alerts: readonly Shown[]): { day: string; first: Shown[]; rest: Shown[] }[] {
  const runs: Shown[][] = []
  for (const alert of alerts) {
    const last = runs.at(-1)
    if (last?.[0]?.rule === alert.rule && dayOf(last[0]) === dayOf(alert)) last.push(alert)
    else runs.push([alert])
  }
  return runs.map((run) => ({
    day: dayOf(run[0]),
    first: run.length > 4 ? run.slice(0, 2) : run,
    rest: run.length > 4 ? run.slice(2) : [],
  }))
}

const joinedBy = (alert: Shown): string =>
  [...new Set(alert.reasons.map((reason) => `${reason.label}${reason.inferred ? ' (inferred)' : ''}`))].join(', ')

function commonest(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? ''
}

function where(entities: readonly Entity[]): Html {
  if (entities.length === 0) return html`<section class="card"><h2>Where</h2><p>No inventory record matches these alerts.</p></section>`
  return html`<section class="card"><h2>Where</h2><dl class="facts">${entities.filter((entity) => entity.kind !== 'container').map((entity) => fact(entity.kind === 'workload' ? String(entity.properties.workloadKind ?? 'workload') : entity.kind, html`<a href="/cluster/${entity.id.toString()}">${entity.namespace === null ? '' : `${untrusted(entity.namespace, 80)}/`}${untrusted(entity.name, 120)}</a>${entity.deletedNs === null ? nothing : html` <span class="quiet">gone since ${timeOf(entity.deletedNs)}</span>`}`))}</dl></section>`
}

function attack(incident: Incident): Html {
  if (incident.tactics.length + incident.techniques.length === 0) return nothing
  return html`<section class="card"><h2>MITRE ATT&amp;CK</h2><dl class="facts">${incident.tactics.length === 0 ? nothing : fact('Tactics', incident.tactics.map(tacticTitle).join(', '))}${incident.techniques.length === 0 ? nothing : fact('Techniques', incident.techniques.join(', '))}</dl></section>`
}
