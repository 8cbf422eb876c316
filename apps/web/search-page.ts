/** Alerts searched over all incidents. What has no index is looked for so far back at a time, and the page says how far. */
import { html } from 'hono/html'
import { severities } from '../../domain/severity.ts'
import type { AlertsFound } from '../../store/alert-search.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { alertTable } from './alert-page.ts'
import { layout } from './layout.ts'
import { empty, type Html, nothing, timeOf, untrusted } from './parts.ts'

/** `given`: what was asked, as it was typed. `problem`: why it could not be. */
export type SearchData = { given: Readonly<Record<string, string>>; problem: string | null; found: AlertsFound | null }

const fields = [
  ['rule', 'Rule', 'Terminal shell in container'],
  ['pod', 'Pod', 'namespace/name'],
  ['container', 'Container id', '1c0a5e7f9b2d'],
  ['scope', 'Cluster', ''],
  ['from', 'From', '2026-11-25'],
  ['to', 'To', '2026-11-25T08:30:00Z'],
] as const

export function searchPage(falconer: Falconer, who: Who, { given, problem, found }: SearchData): Html {
  const asked = Object.keys(given)
  return layout(
    { title: 'Alerts', place: 'alerts', who, falconer },
    html`<h1>Alerts</h1>
<form class="card search" method="get" action="/alerts" role="search"><label for="text">Text</label><input type="search" id="text" name="text" maxlength="200" value="${given.text ?? ''}" placeholder="in the sensor’s sentence or a field">
<details class="more" id="filters"${asked.some((name) => name !== 'text') ? html` open` : nothing}><summary>More filters</summary><div class="fields">${fields.map(([name, label, example]) => html`<div><label for="${name}">${label}</label><input type="text" id="${name}" name="${name}" maxlength="500" value="${given[name] ?? ''}" placeholder="${example}"></div>`)}<div><label for="severity">At least</label><select id="severity" name="severity"><option value="">any severity</option>${severities.map((one) => html`<option${one === given.severity ? html` selected` : nothing}>${one}</option>`)}</select></div></div></details>
<div class="actions"><button>Search</button>${asked.length > 0 ? html`<a class="button second" href="/alerts">Clear</a>` : nothing}</div></form>
${problem === null ? nothing : html`<p class="notice bad" role="alert">${untrusted(problem, 400)}</p>`}
${found === null ? nothing : results(found, given, asked.length > 0)}`,
  )
}

function results({ alerts, next, lookedBackTo }: AlertsFound, given: SearchData['given'], asked: boolean): Html {
  const further = new URLSearchParams({ ...given, cursor: next ?? '' })
  const none =
    lookedBackTo === null
      ? empty('No alert', html`<p>${asked ? 'None that was received fits, and all were looked at.' : 'None was received yet.'}</p>`)
      : nothing
  return html`${alerts.length === 0 ? none : alertTable(alerts)}
${lookedBackTo === null ? nothing : html`<p role="status">${alerts.length === 0 ? 'None so far: ' : ''}looked back to ${timeOf(lookedBackTo)}; what is older was not looked at.</p>`}
${next === null ? nothing : html`<p><a class="button second" href="/alerts?${further.toString()}">${lookedBackTo === null ? 'Earlier' : 'Look further back'}</a></p>`}`
}
