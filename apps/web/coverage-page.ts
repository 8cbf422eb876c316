/** What was looked at and when; what is not known stands first. */
import { html } from 'hono/html'
import { type GapKind, looks, spanOf } from '../../domain/coverage.ts'
import { type Covered, type CoveredKind, coveredKinds, type Ledger } from '../../store/coverage-ledger.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { empty, type Html, nothing, plural, timeOf, untrusted } from './parts.ts'

const headings = {
  source: 'Sources',
  sensor: 'Sensors',
  scan: 'Scans',
  destination: 'Who is told',
  model: 'Models that read incidents',
  knowledge: 'Knowledge that is searched',
} as const satisfies Record<CoveredKind, string>

export function coveragePage(falconer: Falconer, who: Who, { covered, total, withGaps, complete }: Ledger): Html {
  const gaps = covered.filter((one) => one.gaps.length > 0)
  return layout(
    { title: 'Coverage', place: 'coverage', who, falconer, live: ['sources', 'findings'] },
    html`<h1>Coverage</h1>
${
  covered.some(looks)
    ? nothing
    : empty(
        'Nothing was looked at yet',
        html`<p>No source, no sensor, no scan: so nothing is known. <a href="/sources">Add a source</a>.</p>`,
      )
}
${
  total === 0
    ? nothing
    : html`<p>${plural(total, 'thing')} looked at; ${withGaps === 0 ? 'none has a gap' : html`<strong>${plural(withGaps, 'of them has a gap', 'of them have gaps')}</strong>, so what happened there may be unknown`}.${complete ? nothing : ' There are more than are listed here: falconer coverage --limit 10000.'}</p>
${gaps.length === 0 ? nothing : html`<h2 id="gaps">What is not known</h2>${(Object.keys(gapWords) as GapKind[]).map((kind) => gapsOfKind(kind, gaps))}`}
${coveredKinds.map((kind) =>
  table(
    kind,
    covered.filter((one) => one.kind === kind),
  ),
)}`
}`,
  )
}

/** What is worst first. Many of a kind are one line that opens. */
function gapsOfKind(kind: GapKind, covered: readonly Covered[]): Html {
  const those = covered.filter((one) => one.gaps.some((gap) => gap.kind === kind))
  if (those.length === 0) return nothing
  const rows = html`<ul class="claims">${those.map((one) => gapRow(one, kind))}</ul>`
  return html`<div class="card">${those.length <= 6 ? rows : html`<details class="more" id="gaps-${kind}"><summary>${plural(those.length, 'thing')}: ${gapWords[kind]}</summary>${rows}</details>`}</div>`
}

const gapWords: Record<GapKind, string> = {
  never: 'never observed',
  absent: 'not installed in the cluster, in part or whole',
  silent: 'silent for longer than expected',
  gone: 'reports that were deleted in the cluster',
  dropping: 'told that they dropped events',
  failed: 'the newest scan, or reading it, failed in part or whole',
  unfinished: 'the newest report did not come to its end',
  empty: 'the newest scan is empty',
  unread: 'sent what could not be read',
  skewed: 'clocks that are ahead',
  untimed: 'reports that do not say when they looked',
  undelivered: 'take nothing now: what they are to be told waits',
  capped: 'not asked: the month’s cap is reached',
  behind: 'knowledge that is found by words alone',
}

const gapRow = (one: Covered, kind: GapKind): Html =>
  html`<li><strong>${untrusted(one.name, 120)}</strong> <span class="quiet">${one.kind}, ${untrusted(one.by, 60)}, ${untrusted(one.scope, 80)}</span>${one.gaps.filter((gap) => gap.kind === kind).map((gap) => html`<div>${gap.since === null ? nothing : html`<span class="badge suspicious">not observed since ${timeOf(gap.since)}</span> `}${untrusted(gap.says, 300)}</div>`)}</li>`

const table = (kind: Covered['kind'], covered: readonly Covered[]): Html =>
  covered.length === 0
    ? nothing
    : html`<h2>${headings[kind]}</h2><div class="card table"><table class="stack"><thead><tr><th>Name</th><th>Last looked</th><th>Expected</th><th class="number">${kind === 'scan' ? 'Findings' : 'Records'}</th><th class="number">Not read</th><th>Gaps</th></tr></thead><tbody>${covered.map((one) => html`<tr><td class="wide"><span class="main">${untrusted(one.name, 120)}</span> <span class="quiet">${untrusted(one.by, 60)}, ${untrusted(one.scope, 80)}</span></td><td data-label="Last looked">${timeOf(one.lastAt, 'never')}</td><td data-label="Expected">${one.expectedMs === null ? html`<span class="quiet">–</span>` : `every ${spanOf(one.expectedMs)}`}</td><td class="number" data-label="${kind === 'scan' ? 'Findings' : 'Records'}">${one.records.toLocaleString('en')}</td><td class="number" data-label="Not read">${one.deadLetters.toLocaleString('en')}</td><td data-label="Gaps">${one.gaps.length === 0 ? html`<span class="quiet">none</span>` : untrusted(one.gaps.map((gap) => gap.kind).join(', '), 80)}</td></tr>`)}</tbody></table></div>`
