/** What sensors say of themselves, on the page of sources. A gap is told with its times; what is not told is not shown as clean. */
import { html } from 'hono/html'
import { formatEventTime } from '../../domain/event-time.ts'
import type { Gap } from '../../store/internal-messages.ts'
import type { Sensor, Sensors } from '../../store/sensors.ts'
import { clockTime, type Html, nothing, plural, timeOf, untrusted } from './parts.ts'

export function sensorsPart({ sensors, total, dropping, silent }: Sensors, silentBeforeNs: bigint): Html {
  return html`<h2 id="sensors">What the sensors say of themselves</h2>
${
  total === 0
    ? html`<div class="card"><p>No sensor has told of itself, so events that sensors did not see show nowhere. Falco tells when <code>falco.yaml</code> asks for it:</p><pre><code id="sensors-config">${configuration}</code></pre><p><button class="second small" type="button" data-copy="sensors-config">Copy</button></p></div>`
    : html`<p>${plural(total, 'sensor')}: ${dropping === 0 ? 'none says that it dropped events' : `${dropping.toLocaleString('en')} dropped events, so attacks may have gone unseen`}; ${silent === 0 ? 'all were heard in the last two hours' : `${silent.toLocaleString('en')} not observed for two hours or more`}.</p>
<div class="card table"><table class="stack"><thead><tr><th>Host</th><th>Last heard</th><th>Falco</th><th>Events it dropped</th></tr></thead><tbody>${sensors.map((sensor) => row(sensor, silentBeforeNs))}</tbody></table>${total > sensors.length ? html`<p class="quiet">${(total - sensors.length).toLocaleString('en')} more: <code>falconer sources sensors --limit 1000</code></p>` : nothing}</div>`
}`
}

const configuration = `metrics:
  enabled: true
  interval: 1h
  output_rule: true
  kernel_event_counters_enabled: true
syscall_event_drops:
  actions: [log, alert]
`

function row(sensor: Sensor, silentBeforeNs: bigint): Html {
  const { hostname, scope, sourceName, eventSource, snapshot, lastNs } = sensor
  const silent = lastNs < silentBeforeNs
  const watches = eventSource === 'syscall' ? '' : `, watches ${eventSource}`
  return html`<tr><td class="wide"><span class="main">${hostname === '' ? 'host not told' : untrusted(hostname, 80)}</span> <span class="quiet">cluster ${untrusted(scope, 80)}${sourceName === null ? '' : `, source ${untrusted(sourceName, 80)}`}${untrusted(watches, 80)}</span></td>
<td data-label="Last heard"><span>${silent ? html`<span class="badge suspicious">not observed since</span> ` : nothing}${timeOf(lastNs)}</span></td>
<td data-label="Falco">${
    snapshot === null || snapshot.version === null
      ? html`<span class="quiet">not told</span>`
      : html`<span title="${[snapshot.kernel, snapshot.engine]
          .filter((one) => one !== null)
          .map((one) => untrusted(one, 80))
          .join(', ')}">${untrusted(snapshot.version, 40)}</span>`
  }</td>
<td class="wide" data-label="Events it dropped">${dropsOf(sensor)}</td></tr>`
}

function dropsOf({ gaps, drops, snapshot }: Sensor): Html {
  const lines: Html[] = gaps.map(
    (gap) => html`<div>Dropped ${many(gap.dropped)} of ${many(gap.events)} events between ${timeOf(gap.fromNs)} and ${until(gap)}</div>`,
  )
  const shown = gaps.reduce((sum, gap) => sum + gap.messages, 0)
  if (drops !== null && drops.messages > shown)
    lines.push(html`<div>In all ${many(drops.dropped)} of ${many(drops.events)} since ${timeOf(drops.firstNs)}</div>`)
  if (snapshot !== null && snapshot.dropped !== null && (snapshot.dropped > 0n || lines.length === 0))
    lines.push(
      html`<div class="${snapshot.dropped > 0n ? '' : 'quiet'}">${lines.length === 0 ? '' : 'By its counters '}${many(snapshot.dropped)} of ${many(snapshot.events ?? 0n)} events${snapshot.startedNs === null ? '' : html` from its start at ${timeOf(snapshot.startedNs)}`} until ${timeOf(snapshot.atNs)}</div>`,
    )
  if (snapshot !== null && snapshot.queueDropped !== null && snapshot.queueDropped > 0n)
    lines.push(html`<div>${many(snapshot.queueDropped)} alerts it could not hand on</div>`)
  return lines.length === 0 ? html`<span class="quiet">not told</span>` : html`${lines}`
}

/** The day is said once. */
const until = ({ fromNs, toNs }: Gap): Html =>
  formatEventTime(fromNs).slice(0, 10) === formatEventTime(toNs).slice(0, 10) ? clockTime(toNs) : timeOf(toNs)

const many = (count: bigint): string => count.toLocaleString('en')
