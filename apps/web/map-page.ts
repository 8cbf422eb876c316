/** A part of the graph as a table and, beside it, as a picture of the same: each says what the other says. */
import { html, raw } from 'hono/html'
import { shortId } from '../../domain/ids.ts'
import type { GraphView } from '../../domain/graph-view.ts'
import { type Drawing, drawingOf, standing } from '../../graph/map/layout.ts'
import { edgeChoices, narrowed } from '../../graph/map/narrow.ts'
import { leftOut, legendOf, svgForPage } from '../../graph/map/svg.ts'
import { type Row, rowsOf, type Tie } from '../../graph/map/table.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { empty, type Html, nothing, plural, untrusted } from './parts.ts'

export type MapData = {
  /** Null: around a node that the page asks for. */ incident: { id: string } | null
  /** What was asked, as it was typed. */ given: { node: string; scope: string; depth: string; asOf: string; types: readonly string[] }
  /** Why it could not be. */ problem: string | null
  view: GraphView | null
}

export const deepest = 3

export function mapPage(falconer: Falconer, who: Who, { incident, given, problem, view }: MapData): Html {
  const crumb =
    incident === null
      ? html`<a href="/cluster">Inventory</a> / map`
      : html`<a href="/incidents">Incidents</a> / <a href="/incidents/${incident.id}">${shortId('incident', incident.id)}</a> / map`
  return layout(
    { title: view === null ? 'Map' : `Map: ${view.title}`, place: incident === null ? 'cluster' : 'incidents', who, falconer, wide: true },
    html`<p class="crumb">${crumb}</p>
<h1>${view === null ? 'Map' : untrusted(view.title, 200)}</h1>
${problem === null ? nothing : html`<p class="notice bad" role="alert">${untrusted(problem, 1_000)}</p>`}
${view === null ? nothing : html`<p class="quiet">${untrusted(view.freshness, 600)}</p>`}
${question(incident, given, view)}
${view === null ? (problem === null ? howTo : nothing) : answer(narrowed(view, given.types))}`,
  )
}

const howTo = empty(
  'Around what?',
  html`<p>Name a thing above. Or open the map of an <a href="/incidents">incident</a>, or of a record of the <a href="/cluster">inventory</a>.</p>`,
)

/** A plain form: everything it asks is in the address. */
function question(incident: MapData['incident'], given: MapData['given'], view: GraphView | null): Html {
  const text = (name: 'node' | 'scope' | 'asOf', label: string, example: string): Html =>
    html`<div><label for="${name}">${label}</label><input type="text" id="${name}" name="${name}" maxlength="512" value="${untrusted(given[name], 512)}" placeholder="${example}"></div>`
  const choices = view === null ? [] : edgeChoices(view)
  const chosen = choices.filter(({ type }) => given.types.includes(type))
  return html`<form class="card search ask" method="get" action="${incident === null ? '/graph' : `/incidents/${incident.id}/map`}" role="search"><div class="fields">${incident === null ? html`${text('node', 'Around', 'deployment/shop/checkout')}${text('scope', 'Cluster or account', 'where a name is in several')}` : nothing}<div><label for="depth">Steps away</label><select id="depth" name="depth">${Array.from({ length: deepest }, (_one, at) => html`<option${String(at + 1) === given.depth ? html` selected` : nothing}>${at + 1}</option>`)}</select></div>${text('asOf', 'As it was at', 'now')}<button>Show</button></div>
${choices.length === 0 ? nothing : html`<details class="more" id="only"${chosen.length > 0 ? html` open` : nothing}><summary>${chosen.length === 0 ? 'Only some kinds of relation' : html`Only: ${untrusted(chosen.map(({ title }) => title).join(', '), 200)}`}</summary><fieldset class="choices"><legend>Only along these; none chosen: along all</legend>${choices.map(({ type, title, count }) => html`<label><input type="checkbox" name="type" value="${untrusted(type, 80)}"${given.types.includes(type) ? html` checked` : nothing}> ${untrusted(title, 60)} <span class="quiet">${count.toLocaleString('en')}</span></label>`)}</fieldset></details>`}</form>`
}

function answer(view: GraphView): Html {
  if (view.nodes.length === 0)
    return empty(
      'Nothing is known of it',
      html`<p>No record that was looked at names it. That is no sign that nothing is there: see what this stands on, above, and <a href="/coverage">what was looked at</a>.</p>`,
    )
  const drawing = drawingOf(view)
  const rows = rowsOf(view, drawing)
  const left = leftOut(drawing)
  return html`<p>${plural(rows.length, 'thing')}, drawn as ${plural(drawing.boxes.length, 'box', 'boxes')} and ${plural(drawing.lines.length, 'line')}. <a href="#picture">To the picture</a>${view.edges.length === 0 ? html`<br>Nothing that was looked at relates to it; that is no sign that nothing does.` : nothing}${left === '' ? nothing : html`<br><strong>${left}</strong>`}</p>
<div class="map-page"><section class="card" aria-labelledby="things"><h2 id="things">What is there</h2><div class="map-table" role="region" tabindex="0" aria-labelledby="things"><table class="stack"><thead><tr><th>Thing</th><th>What joins it</th></tr></thead><tbody>${rows.map((row) => tableRow(row, drawing))}</tbody></table></div></section>
<section class="card" aria-labelledby="picture"><h2 id="picture">Picture</h2>${legend(drawing)}<p class="fit"><label><input type="checkbox" id="fit"> Fit into the width</label></p><div class="map-scroll" role="region" tabindex="0" aria-label="The picture; scroll it, or walk its boxes with Tab">${picture(view, drawing)}</div></section></div>`
}

function picture(view: GraphView, drawing: Drawing): Html {
  const rowOf = new Map(
    rowsOf(view, drawing)
      .flatMap(({ box, number }) => (box === null ? [] : [[box, number] as const]))
      .toReversed(),
  )
  return html`${raw(svgForPage(drawing, ({ number }) => `#row-${rowOf.get(number)}`))}`
}

const legend = (drawing: Drawing): Html =>
  html`<details class="more" id="legend"><summary>What shapes and lines mean</summary><ul class="legend">${legendOf(drawing).map(({ key, text }) => html`<li>${key === '' ? nothing : html`<svg class="map-key" viewBox="0 0 36 16" width="36" height="16" aria-hidden="true">${raw(key)}</svg>`}<span>${text}</span></li>`)}</ul></details>`

function tableRow({ number, node, box, alone, centre, ties }: Row, { boxes }: Drawing): Html {
  const { label, kind, name, namespace, scope, depth, marks, detail, href } = node
  const shown = html`${namespace === null ? '' : `${untrusted(namespace, 80)}/`}${untrusted(name, 160)}`
  const own = href === null ? null : ownPath(href)
  const where = box === null ? 'not in the picture' : alone ? 'in the picture' : `in the picture among ${boxes[box - 1]?.name}`
  return html`<tr id="row-${number}"${box === null ? nothing : html` data-box="${box}"`}><td class="wide">${own === null ? html`<span class="main">${shown}</span>` : html`<a class="main" href="${own}">${shown}</a>`} ${standing({ centre, marks }).map((mark) => html`<span class="badge mark">${mark}</span> `)}<div class="quiet">${untrusted(label, 60)}${scope === '' || scope === 'global' ? nothing : html`, ${untrusted(scope, 60)}`}${depth === 0 ? nothing : html`, ${plural(depth, 'step')} away`}${detail === null || detail.endsWith(name) ? nothing : html`<br>${untrusted(detail, 200)}`}<br>${/^\d+$/.test(node.id) ? html`<a href="/cluster/${node.id}" aria-label="record of ${kind.replaceAll('_', ' ')} ${number}">record</a>, ` : nothing}${box === null ? where : html`<a href="#box-${box}">${where}</a>`}</div></td><td class="wide">${tiesOf(ties, number)}</td></tr>`
}

const shownTies = 4
function tiesOf(ties: readonly Tie[], number: number): Html {
  const list = (those: readonly Tie[]): Html => html`<ul class="ties">${those.map(tieText)}</ul>`
  if (ties.length === 0) return html`<span class="quiet">nothing that is shown</span>`
  if (ties.length <= shownTies + 1) return list(ties)
  return html`${list(ties.slice(0, shownTies))}<details class="more" id="ties-${number}"><summary>${ties.length - shownTies} more</summary>${list(ties.slice(shownTies))}</details>`
}

function tieText({ out, other, edge }: Tie): Html {
  const { label, name, detail } = other.node
  const called = detail?.endsWith(name) === true ? detail : `${label} ${name}`
  const link = html`<a href="#row-${other.number}">${untrusted(called, 140)}</a>`
  const title = untrusted(edge.title, 80)
  const times = edge.count === 1 ? nothing : html` <span class="quiet">${edge.count.toLocaleString('en')} times</span>`
  const words = out ? html`${title} ${link}` : html`${link} ${title} it`
  // Of a relation it says when it was last seen: what the whole answer says already.
  const because =
    edge.because === null || edge.kind === 'relation' ? nothing : html`<div class="quiet">${untrusted(edge.because, 300)}</div>`
  return html`<li${edge.kind === 'relation' && edge.because !== null ? html` title="${untrusted(edge.because, 200)}"` : nothing}>${edge.kind === 'step' ? html`<span class="badge high">attack step</span> ` : nothing}${words}${times}${because}</li>`
}

/** A path of this server and nothing else. */
const ownPath = (href: string): string | null => (/^\/(?![/\\])[\w/?&=.:%-]*$/.test(href) ? href : null)
