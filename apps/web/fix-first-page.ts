/** What to fix first: changes, by what they take away, the most urgent first; and one change with its reasons, findings and workloads. */
import { html } from 'hono/html'
import { imageOfFix, movingReasons, versionsKnown } from '../../domain/fix-words.ts'
import { shortId } from '../../domain/ids.ts'
import type { Fix } from '../../store/fixes.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { empty, fact, type Html, nothing, plural, severityBadge, timeOf, untrusted } from './parts.ts'

/** `given`: what was asked, as it was typed. `problem`: why it could not be. */
export type FixFirstData = {
  given: Readonly<Record<string, string>>
  problem: string | null
  fixes: Fix[]
  next: string | null
  freshness: string
}

const fields = [
  ['scope', 'Cluster or account'],
  ['namespace', 'Namespace'],
  ['incident', 'Incident'],
] as const

export function fixFirstPage(falconer: Falconer, who: Who, { given, problem, fixes, next, freshness }: FixFirstData): Html {
  const asked = Object.keys(given).length > 0
  const further = new URLSearchParams({ ...given, cursor: next ?? '' })
  return layout(
    { title: 'Fix first', place: 'fix-first', who, falconer, live: ['findings', 'incidents'] },
    html`<h1>Fix first</h1><p class="quiet">Changes, by what each takes away. The order is computed from what was observed; every reason is told.</p>
<form class="card search" method="get" action="/fix-first" role="search"><details class="more" id="filters"><summary>${
      asked
        ? html`Filtered: ${untrusted(
            Object.entries(given)
              .map(([name, value]) => `${name} ${value}`)
              .join(', '),
            200,
          )}`
        : 'Filters'
    }</summary><div class="fields">${fields.map(([name, label]) => html`<div><label for="${name}">${label}</label><input type="text" id="${name}" name="${name}" maxlength="500" value="${given[name] ?? ''}" placeholder="${name === 'incident' ? 'inc-…' : ''}"></div>`)}</div>
<div class="actions"><button>Show</button>${asked ? html`<a class="button second" href="/fix-first">Clear</a>` : nothing}</div></details></form>
${problem === null ? nothing : html`<p class="notice bad" role="alert">${untrusted(problem, 400)}</p>`}
<p class="quiet">${untrusted(freshness, 800)} <a href="/coverage">What was looked at</a></p>
${
  fixes.length === 0
    ? empty(
        'Nothing to fix is known',
        html`<p>${asked ? 'No change fits.' : 'That holds for what was looked at, and for nothing else. Give Falconer a report of a scanner, or let it watch a cluster.'}</p>`,
      )
    : html`<div class="card table"><table class="stack"><thead><tr><th>Urgency</th><th>Change</th><th>Takes away</th><th>Why</th></tr></thead><tbody>${fixes.map(row)}</tbody></table></div>`
}
${next === null ? nothing : html`<p><a class="button second" href="/fix-first?${further.toString()}">Less urgent</a></p>`}`,
  )
}

const row = (fix: Fix): Html =>
  html`<tr><td data-label="Urgency"><span>${severityBadge(fix.level)} <span class="quiet">${fix.score.toFixed(1)}</span></span></td><td class="wide"><a class="main" href="/fix-first/${fix.id}">${untrusted(fix.title, 240)}</a></td><td data-label="Takes away"><span>${takes(fix)}</span></td><td data-label="Why"><span>${movingReasons(
    fix.details.reasons,
  )
    .slice(0, 3)
    .map(({ text }, at) => html`${at === 0 ? nothing : '; '}${untrusted(text, 160)}`)}</span></td></tr>`

function takes(fix: Fix): Html {
  const { findings, suppressed, places, livePlaces, steps, resources, details } = fix
  const what = [...(findings > 0 ? [plural(findings, 'finding')] : []), ...(steps > 0 ? [plural(steps, 'attack step')] : [])].join(' and ')
  const image = imageOfFix(resources, details.resources[0])
  const running = findings === 0 ? nothing : html`; <span class="quiet">no inventory says where that runs</span>`
  return html`${what}${image === null ? '' : ` in image ${image}`}${places === 0 ? running : ` on ${plural(places, 'workload')}`}${livePlaces === 0 ? nothing : html`, <strong>${livePlaces.toLocaleString('en')} of them on a live incident’s path</strong>`}${versionsKnown(fix)}${suppressed === 0 ? nothing : html` <span class="quiet">${suppressed.toLocaleString('en')} suppressed</span>`}`
}

export function fixPage(falconer: Falconer, who: Who, fix: Fix): Html {
  const { details } = fix
  const rest = (count: number, shown: number): Html =>
    count > shown ? html`<li class="quiet">and ${(count - shown).toLocaleString('en')} more</li>` : nothing
  return layout(
    { title: fix.title, place: 'fix-first', who, falconer, live: ['findings', 'incidents'] },
    html`<p class="crumb"><a href="/fix-first">Fix first</a></p>
<h1>${untrusted(fix.title, 400)}</h1><p class="headline">${severityBadge(fix.level)}<span>${fix.score.toFixed(1)} of 100</span><span>${takes(fix)}</span></p>
<div class="columns"><div>
<section class="card table"><h2>Why</h2><table class="stack"><thead><tr><th>Factor</th><th>Reason</th></tr></thead><tbody>${details.reasons.map(({ text, factor, code, shownBy }) => html`<tr><td data-label="Factor"><span>×${factor.toFixed(2)}</span></td><td class="wide">${untrusted(text, 300)} <span class="quiet">${code}</span>${shownBy === undefined ? nothing : html` <a href="/cluster/${shownBy.entity}">${untrusted(`${shownBy.path}: ${shownBy.value}`, 160)}</a>`}</td></tr>`)}</tbody></table></section>
${details.best.length === 0 ? nothing : html`<section class="card"><h2>Its worst findings</h2><ul class="claims">${details.best.map(({ id, check, title, on }) => html`<li><a href="/findings/${id}">${untrusted(title, 200)}</a> <span class="quiet">${untrusted(check, 80)} on ${untrusted(on, 120)}</span></li>`)}</ul></section>`}
${details.steps.length === 0 ? nothing : html`<section class="card"><h2>Attack steps it takes away</h2><ul class="claims">${details.steps.map(({ because, technique }) => html`<li>${untrusted(because, 300)} <span class="quiet">${untrusted(technique, 20)}</span></li>`)}${rest(fix.steps, details.steps.length)}</ul></section>`}
${details.resources.length === 0 ? nothing : html`<section class="card"><h2>To change</h2><ul class="claims">${details.resources.map(({ name, kind, findings }) => html`<li>${untrusted(name, 200)} <span class="quiet">${kind.replaceAll('_', ' ')}, ${plural(findings, 'finding')}</span></li>`)}${rest(fix.resources, details.resources.length)}</ul></section>`}</div>
<aside><section class="card"><h2>Where it matters</h2>${details.places.length === 0 ? html`<p class="quiet">No inventory says where it runs. That is not “nowhere”.</p>` : html`<ul class="claims">${details.places.map(({ id, title, scope, live }) => html`<li><a href="/cluster/${id}">${untrusted(title, 120)}</a> <span class="quiet">${untrusted(scope, 60)}</span>${live ? html` <strong>live incident</strong>` : nothing}</li>`)}${rest(fix.places, details.places.length)}</ul>`}</section>
<section class="card"><h2>Facts</h2><dl class="facts">${fact('Kind', fix.kind.replaceAll('_', ' '))}${details.version === null ? nothing : fact('Version', untrusted(details.version, 100))}${details.incidents.length === 0 ? nothing : fact('Incidents', html`${details.incidents.slice(0, 10).map((id) => html`<div><a href="/incidents/${id}">${shortId('incident', id)}</a></div>`)}`)}${fix.suppressed === 0 ? nothing : fact('Suppressed', plural(fix.suppressed, 'finding'))}${fact('Oldest scan', timeOf(fix.oldestNs, 'no scanner told of it'))}${fact('Newest scan', timeOf(fix.newestNs, 'no scanner told of it'))}${fact('Computed', timeOf(fix.derivedAt))}</dl></section></aside></div>`,
  )
}
