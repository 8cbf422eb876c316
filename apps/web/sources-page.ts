/** Sources: what sends, when it was last heard, how to connect one more; and the input that could not be read. */
import { silentBeforeNs } from '../../store/coverage-ledger.ts'
import { html } from 'hono/html'
import { collectors } from '../../collectors/registry.generated.ts'
import { isSilent } from '../../domain/coverage.ts'
import { roleAtLeast } from '../../domain/principal.ts'
import type { DeadLetter } from '../../store/dead-letters.ts'
import type { Sensors } from '../../store/sensors.ts'
import type { Source } from '../../store/sources.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { csrfField, empty, type Html, nothing, ownMarkdown, plural, timeOf, untrusted } from './parts.ts'
import { sensorsPart } from './sensors-part.ts'

/** `made` is a source just added or given a new secret: its secret is shown this once. */
export type SourcesData = {
  sources: Source[]
  deadLetters: DeadLetter[]
  sensors: Sensors
  made: { name: string; secret: string; connect: string } | null
  notice: string | null
}

export function sourcesPage(falconer: Falconer, who: Who, { sources, deadLetters, sensors, made, notice }: SourcesData): Html {
  const manages = roleAtLeast(who.principal.role, 'administrator')
  return layout(
    { title: 'Sources', place: 'sources', who, falconer, live: made === null ? ['sources'] : [] },
    html`<h1>Sources</h1>
${notice === null ? nothing : html`<p class="notice good" role="status">${untrusted(notice, 300)}</p>`}
${made === null ? nothing : html`<section class="card" aria-labelledby="made"><h2 id="made">${untrusted(made.name, 80)} is ready. Its secret is shown this once:</h2><pre><code id="secret">${made.secret}</code></pre><p><button class="second small" type="button" data-copy="secret">Copy secret</button></p><h3>How to connect it</h3>${ownMarkdown(made.connect, 'connect')}</section>`}
${sources.length === 0 ? empty('No source yet', html`<p>Nothing can send alerts until a source exists.${manages ? ' Add one below.' : ' Ask an administrator to add one.'}</p>`) : html`<div class="card table"><table class="stack"><thead><tr><th>Name</th><th>Last heard</th><th>Newest event</th><th class="number">Accepted</th><th class="number">Repeated</th><th class="number">Not read</th><th></th></tr></thead><tbody>${sources.map((source) => row(falconer, source, who, manages))}</tbody></table></div>`}
${sensorsPart(sensors, silentBeforeNs(falconer.clock))}
${manages ? addForm(falconer, who) : nothing}
<h2 id="dead-letters">Input that could not be read</h2>
${deadLetters.length === 0 ? html`<p class="quiet">None. What arrives and cannot be read is kept here with its reason, never dropped.</p>` : html`<div class="card"><ul class="claims">${deadLetters.map((letter) => dead(letter, who, manages))}</ul></div>`}`,
  )
}

function row(falconer: Falconer, source: Source, who: Who, manages: boolean): Html {
  const silent = isSilent(source, falconer.clock.now())
  const button = (to: string, label: string, danger = false): Html =>
    html`<form class="inline" method="post" action="/sources/${source.id}/${to}">${csrfField(who.csrf)}<button class="${danger ? 'danger' : 'second'} small">${label}</button></form> `
  return html`<tr><td class="wide"><span class="main">${untrusted(source.name, 80)}</span> <span class="quiet">${source.collector}, cluster ${untrusted(source.scope, 80)}${source.disabledAt === null ? '' : ', disabled'}</span>${natsPart(falconer, source)}</td><td data-label="Last heard"><span>${silent ? html`<span class="quiet">not observed since</span> ` : nothing}${timeOf(source.lastSeenAt, 'never: nothing of it is observed')}</span></td><td data-label="Newest event">${timeOf(source.lastEventAt, '–')}</td><td class="number" data-label="Accepted">${source.accepted.toLocaleString('en')}</td><td class="number" data-label="Repeated">${source.duplicates.toLocaleString('en')}</td><td class="number" data-label="Not read">${source.deadLetters.toLocaleString('en')}</td>
<td class="wide">${manages && !source.name.endsWith('-inventory') && !source.name.endsWith('-import') ? html`${button('rotate', 'New secret')}${source.disabledAt === null ? button('disable', 'Disable', true) : button('enable', 'Enable')}` : nothing}</td></tr>`
}

const addForm = (
  falconer: Falconer,
  who: Who,
): Html => html`<section class="card"><h2>Add a source</h2><form method="post" action="/sources">${csrfField(who.csrf)}
<label for="name">Name</label><input type="text" id="name" name="name" required pattern="[a-z0-9][a-z0-9._\\-]{0,62}" placeholder="falco-production" autocomplete="off">
<label for="collector">What it sends</label><select id="collector" name="collector">${collectors.map((collector) => html`<option value="${collector.name}"${collector.name === 'falco' ? html` selected` : nothing}>${collector.title}</option>`)}</select>
<label for="scope">Cluster</label><input type="text" id="scope" name="scope" value="${falconer.config.FALCONER_SCOPE}" required maxlength="100"><div class="actions"><button>Add and show its secret</button></div></form></section>`

const dead = (letter: DeadLetter, who: Who, manages: boolean): Html =>
  html`<li><strong>${untrusted(letter.reason, 300)}</strong><div class="quiet">${timeOf(letter.receivedAt)} · ${untrusted(letter.place, 160)} · ${plural(letter.size, 'byte')}${letter.replayedAt === null ? nothing : html` · read at ${timeOf(letter.replayedAt)}`}</div><pre><code>${untrusted(letter.preview, 400)}</code></pre>${manages && letter.replayedAt === null ? html`<form class="inline" method="post" action="/dead-letters/${letter.id}/replay">${csrfField(who.csrf)}<button class="second small">Read again</button></form>` : nothing}</li>`

/** Of the source that is taken from NATS: whether it comes, and what was last wrong. */
function natsPart({ nats }: Falconer, source: Source): Html {
  const state = nats?.state()
  if (state?.source !== source.name) return nothing
  return html`<div class="quiet">NATS: ${state.state}${state.lastError === null ? nothing : html`; ${timeOf(state.lastError.at)}: ${untrusted(state.lastError.text, 300)}`}</div>`
}
