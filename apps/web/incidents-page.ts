/** The list of incidents: worst first, quiet ones counted but folded away, and what to do when there is nothing yet. */
import { html } from 'hono/html'
import { roleAtLeast } from '../../domain/principal.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Severity } from '../../domain/severity.ts'
import type { Investigation } from '../../store/investigations.ts'
import type { Source } from '../../store/sources.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import {
  analystName,
  csrfField,
  empty,
  type Html,
  inventoryCommand,
  nothing,
  ownMarkdown,
  plural,
  severityBadge,
  stateBadge,
  timeOf,
  untrusted,
  verdictBadge,
} from './parts.ts'

export type IncidentsData = {
  incidents: Incident[]
  next: string | null
  reports: Map<string, Investigation>
  counts: { severity: Severity; state: string; incidents: number; alerts: number }[]
  show: 'open' | 'quiet' | 'closed'
  sources: Source[]
  waiting: number
  /** The Falco source and how to connect it (Markdown, SECRET for the secret); null when there is none yet. */ connect: {
    id: string
    name: string
    text: string
  } | null
}

export function incidentsPage(falconer: Falconer, who: Who, data: IncidentsData): Html {
  const { incidents, show } = data
  const loud = (one: { severity: Severity }): boolean => one.severity !== 'low' && one.severity !== 'informational'
  const sum = (keep: (one: IncidentsData['counts'][number]) => boolean): number =>
    data.counts.filter(keep).reduce((total, one) => total + one.incidents, 0)
  const total = sum(() => true)
  const filter = (name: IncidentsData['show'], label: string, count: number): Html =>
    html`<a href="/incidents?show=${name}"${show === name ? html` aria-current="true"` : nothing}>${label} <span class="quiet">${count}</span></a>`
  const body = html`<h1>Incidents</h1>
${
  total === 0
    ? firstSteps(data, who)
    : html`<div class="filters">${filter(
        'open',
        'To look at',
        sum((one) => one.state !== 'closed' && loud(one)),
      )}${filter(
        'quiet',
        'Quiet',
        sum((one) => one.state !== 'closed' && !loud(one)),
      )}${filter(
        'closed',
        'Closed',
        sum((one) => one.state === 'closed'),
      )}</div>
${data.waiting > 0 ? html`<p class="notice good">${plural(data.waiting, 'proposed action')} wait${data.waiting === 1 ? 's' : ''} for a decision: <a href="/approvals">read and decide</a>.</p>` : nothing}
${incidents.length === 0 ? empty('Nothing here', html`<p>${show === 'open' ? html`No incident of medium severity or more is open. That says what Falco reported, not that nothing happened: see when each <a href="/sources">source</a> was last heard.` : 'No incident is in this list.'}</p>`) : html`<div class="card"><ul class="rows">${incidents.map((incident) => row(incident, data.reports.get(incident.id)))}</ul></div>`}
${data.next === null ? nothing : html`<p><a class="button second" href="/incidents?show=${show}&cursor=${data.next}">Older and less severe</a></p>`}`
}
${total === 0 ? nothing : heard(data.sources)}`
  return layout({ title: 'Incidents', place: 'incidents', who, falconer, live: ['incidents', 'proposals'] }, body)
}

function row(incident: Incident, investigation: Investigation | undefined): Html {
  const first = investigation?.report ?? null
  return html`<li><a class="row" href="/incidents/${incident.id}"><span>${severityBadge(incident.severity)}</span><span class="title">${untrusted(incident.title, 200)}</span><span class="aside">${verdictBadge(first?.verdict ?? null)}${incident.state === 'open' ? nothing : stateBadge(incident.state)}</span>
<span class="meta">${plural(incident.alertCount, 'alert')} · last ${timeOf(incident.lastNs)} · ${untrusted(incident.scope, 60)}${first === null ? ' · not investigated' : html` · read by ${analystName(first)}`}</span></a></li>`
}

function heard(sources: readonly Source[]): Html {
  const detectors = sources.filter((source) => source.collector !== 'kubernetes' && source.disabledAt === null)
  if (detectors.length === 0) return nothing
  return html`<p class="quiet">${detectors.slice(0, 4).map((source) => html`<span>${untrusted(source.name, 63)}: last heard ${timeOf(source.lastSeenAt)}. </span>`)}</p>`
}

function firstSteps({ connect }: IncidentsData, who: Who): Html {
  return empty(
    'No alert has arrived yet',
    html`<p>Nothing was observed so far, which says nothing about your clusters. Connect Falco, and incidents appear here by themselves.</p>
${connect === null ? html`<p><a class="button" href="/sources">Connect a source</a></p>` : html`<h3>Connect Falco</h3>${secretNote(connect, who)}${ownMarkdown(connect.text, 'connect')}`}
<h3>Or import what you have</h3><pre><code>falconer import alerts.jsonl</code></pre>
<h3>Add inventory</h3><p>So that alerts are tied to pods and actions have targets: start Falconer with <code>FALCONER_KUBECONFIG</code> (or, in a cluster, <code>FALCONER_IN_CLUSTER=true</code>), or import a dump:</p><pre><code>${inventoryCommand}</code></pre>`,
  )
}

/** Only the hash of a secret is kept, so it cannot be shown again; a new one can. */
const secretNote = ({ id, name }: NonNullable<IncidentsData['connect']>, who: Who): Html =>
  html`<p>In these lines <code>SECRET</code> stands for the secret of the source “${name}”. It was shown once, when the source was made: on the terminal at Falconer’s first start, or on the Sources page.</p>
${roleAtLeast(who.principal.role, 'administrator') ? html`<form method="post" action="/sources/${id}/rotate">${csrfField(who.csrf)}<p>Not at hand? <button class="second small">Make a new secret</button> <span class="quiet">and show these lines with it; the old one stops working.</span></p></form>` : html`<p>Not at hand? An administrator can make a new one on the Sources page.</p>`}`
