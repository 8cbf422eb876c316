/** One alert: what the sensor wrote, field by field, as written; where it belongs and why. */
import { html } from 'hono/html'
import type { Alert } from '../../domain/alert.ts'
import { shortId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Usual } from '../../incidents/baseline.ts'
import { howToGive, type RulesNow } from '../../collectors/falco-rules/as-loaded.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { empty, fact, linkBy, type Html, nothing, plural, timeOf, untrusted, untrustedJson } from './parts.ts'
import { rulePath } from './rule-page.ts'

export function alertPage(
  falconer: Falconer,
  who: Who,
  alert: Alert,
  place: { incidentId: string; how: string; sourceName: string | null } | null,
  /** Further alerts that tell of the same event. */
  same: readonly Alert[],
  /** Falco’s rules of its cluster; null: no rule of Falco’s made it. */
  loaded: RulesNow | null,
  /** Of its rule by its process in its place, before its day; null: not placed yet. */
  usual: Usual | null,
): Html {
  const fields = Object.entries(alert.fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return layout(
    { title: alert.rule, place: 'incidents', who, falconer },
    html`<p class="crumb"><a href="/incidents">Incidents</a>${place === null ? nothing : html` / <a href="/incidents/${place.incidentId}">${shortId('incident', place.incidentId)}</a>`} / alert</p>
<h1>${untrusted(alert.rule, 200)}</h1><p class="headline"><span class="badge ${alert.severity}">${alert.priority}</span>${timeOf(alert.eventNs)}<span>${untrusted(alert.hostname ?? 'unnamed host', 100)}</span></p>
<div class="columns"><div>${alert.output === null ? nothing : html`<section class="card"><h2>As the sensor put it</h2><p class="quiet">Quoted text; Falconer never reads meaning from it.</p><pre><code>${untrusted(alert.output, 4_000)}</code></pre></section>`}${loaded === null ? nothing : ruleCard(alert, loaded)}
<section class="card"><h2>Fields as written</h2>${fields.length === 0 ? html`<p>The sensor sent no fields.</p>` : html`<div class="table"><table class="stack"><thead><tr><th>Field</th><th>Value</th></tr></thead><tbody>${fields.map(([name, value]) => html`<tr><td data-label="" class="wide"><span class="mono">${untrusted(name, 100)}</span></td><td class="wide"><code>${typeof value === 'string' ? untrusted(value, 2_000) : untrustedJson(value, 2_000)}</code></td></tr>`)}</tbody></table></div>`}</section></div>
<aside><section class="card"><h2>Facts</h2><dl class="facts">${fact('Event time', html`<span class="mono">${timeOf(alert.eventNs)}</span>${alert.eventTimeFrom === 'received' ? ' (the sensor gave none: when it was received)' : ''}`)}${fact('Received', timeOf(alert.receivedAt))}${fact('Seen', plural(alert.seen, 'time'))}${place === null ? nothing : html`${fact('Source', place.sourceName === null ? 'import' : untrusted(place.sourceName, 80))}${fact('Placed', untrusted(place.how, 300))}`}${usual === null ? nothing : fact('Before that day', usual.text)}${alert.relayedAs === null ? nothing : fact('Sent by', 'falcosidekick')}${same.length === 0 ? nothing : fact('Same event', html`${same.map((one) => html`<a href="/alerts/${one.id}">${one.relayedAs === null ? 'as Falco sent it' : 'as falcosidekick passed it on'}</a> `)}<span class="quiet">inferred: same moment, rule, host and fields; counted once</span>`)}${alert.truncated.length === 0 ? nothing : fact('Incomplete', html`cut by falcosidekick: ${untrusted(alert.truncated.join(', '), 400)}`)}${alert.tags.length === 0 ? nothing : fact('Tags', untrusted(alert.tags.join(', '), 400))}${fact('Id', html`<span class="mono">${alert.id}</span>`)}</dl></section></aside></div>`,
  )
}

function ruleCard({ scope }: Alert, { rules: [rule], files }: RulesNow): Html {
  const body =
    rule !== undefined
      ? html`<p>${untrusted(rule.desc.trim(), 2_000)}</p>${rule.problems.length === 0 ? nothing : html`<p class="notice bad">${plural(rule.problems.length, 'problem')} with it as it is loaded.</p>`}<p>${linkBy(rule.name, () => rulePath(rule), 'What it looks for')}</p>`
      : files.length === 0
        ? html`<p class="quiet">What it looks for is not known here: Falconer was not given Falco’s rules files: ${untrusted(howToGive(scope), 400)}</p>`
        : html`<p class="quiet">No rule of this name is in the rules files of ${untrusted(scope, 100)} that Falconer was given.</p>`
  return html`<section class="card"><h2>The rule</h2>${body}</section>`
}

export type AlertsData = { alerts: readonly Alert[]; next: string | null; rule: string | null }
export function alertsPage(falconer: Falconer, who: Who, incident: Incident, { alerts, next, rule }: AlertsData): Html {
  const here = `/incidents/${incident.id}/alerts`
  const earlier = new URLSearchParams({ ...(rule === null ? {} : { rule }), cursor: next ?? '' })
  return layout(
    { title: 'Alerts', place: 'incidents', who, falconer },
    html`<p class="crumb"><a href="/incidents">Incidents</a> / <a href="/incidents/${incident.id}">${shortId('incident', incident.id)}</a> / alerts</p><h1>${rule === null ? 'Alerts' : untrusted(rule, 200)}</h1>
${rule === null ? nothing : html`<p>Only this rule’s. <a href="${here}">All ${incident.alertCount.toLocaleString('en')} alerts</a></p>`}
${alerts.length === 0 ? empty('No alert', html`<p>None of this incident’s alerts is listed here.</p>`) : alertTable(alerts)}
${next === null ? nothing : html`<p><a class="button second" href="${here}?${earlier.toString()}">Earlier</a></p>`}`,
  )
}

export const alertTable = (alerts: readonly Alert[]): Html =>
  html`<div class="card table"><table class="stack"><thead><tr><th>Event time</th><th>Rule</th><th>Priority</th><th>Where</th><th>Command</th></tr></thead><tbody>${alerts.map((alert) => html`<tr><td data-label="Time">${timeOf(alert.eventNs)}</td><td data-label="Rule"><a href="/alerts/${alert.id}">${untrusted(alert.rule, 100)}</a></td><td data-label="Priority">${alert.priority}</td><td data-label="Where">${untrusted(placeOf(alert), 100)}</td><td class="wide">${alert.process?.cmdline == null ? nothing : html`<code>${untrusted(alert.process.cmdline, 160)}</code>`}</td></tr>`)}</tbody></table></div>`

function placeOf({ pod, container, hostname }: Alert): string {
  if (pod !== null) return `${pod.namespace}/${pod.name}`
  return container === null ? (hostname ?? 'unnamed host') : `container ${container.id.slice(0, 12)}`
}
