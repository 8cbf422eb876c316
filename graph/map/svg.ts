/**
 * A drawing as SVG: no script, no style attribute, nothing fetched. On a page each box is a link to its row in the table (`rowOf`); alone it brings its
 * sheet and legend along. Every text that is not ours passes `xml`.
 */
import { readFileSync } from 'node:fs'
import type { GraphEdgeKind, GraphMark } from '../../domain/graph-view.ts'
import { type Drawing, labelWidth, type PlacedBox, type PlacedLine, standing } from './layout.ts'
import { pathOf, type Point } from './route.ts'
import { families, type Family, familyOf, outline } from './shapes.ts'
import { said } from './words.ts'

/** The sheet of every map, on pages a part of theirs. */
export const mapSheet = readFileSync(new URL('map.css', import.meta.url), 'utf8')

export const edgeWords: Readonly<Record<GraphEdgeKind, string>> = {
  step: 'attack step: what could be taken next',
  alert: 'seen at run time, in alerts',
  finding: 'found by a scanner',
  relation: 'relation, as recorded',
}
export const markWords: Readonly<Record<GraphMark | 'centre', string>> = {
  centre: 'asked about',
  incident: 'incident: it is what alerts are about',
  entry: 'entry: where a path begins',
  target: 'target: what a path ends at',
  finding: 'finding: a scanner has found something in it',
  declared: 'declared: a manifest says so, no cluster reported it',
  gone: 'gone: it was there before',
}

/** In the page’s text, sizes of which are its own. `rowOf`: the address of a box’s row. */
export function svgForPage(drawing: Drawing, rowOf: (box: PlacedBox) => string): string {
  const boxes = drawing.boxes.map(
    (box) =>
      `<a class="${classesOf(box)}" id="box-${box.number}" data-box="${box.number}" href="${xml(rowOf(box))}" aria-label="${xml(inWords(box))}">${inside(box)}</a>`,
  )
  return `<svg class="map" viewBox="0 0 ${drawing.width} ${drawing.height}" width="${drawing.width}" height="${drawing.height}" role="group" aria-label="${xml(drawing.title)}">${linesOf(drawing)}${boxes.join('')}</svg>`
}

/** A file of its own, readable in light and dark. */
export function svgAlone(drawing: Drawing): string {
  const legend = legendOf(drawing)
  const top = 44
  const below = top + drawing.height + 8
  const width = Math.max(drawing.width, 560)
  const height = below + legend.length * 20 + 24 + (drawing.left > 0 ? 20 : 0)
  const boxes = drawing.boxes.map(
    (box) => `<g class="${classesOf(box)}" role="img" tabindex="0" aria-label="${xml(inWords(box))}">${inside(box)}</g>`,
  )
  const words = legend.map(
    ({ key, text }, at) =>
      `<g class="key" transform="translate(16 ${below + at * 20})">${key}<text class="said" x="44" y="12">${xml(text)}</text></g>`,
  )
  const left = leftOut(drawing)
  return `<svg xmlns="http://www.w3.org/2000/svg" class="map alone" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="group" aria-label="${xml(drawing.title)}">
<title>${xml(drawing.title)}</title>
<style>${mapSheet}</style>
<rect class="ground" width="${width}" height="${height}"/>
<text class="title" x="16" y="22">${xml(said(drawing.title, 90))}</text>
<text class="said" x="16" y="38">${xml(said(drawing.freshness, 120))}</text>
<g transform="translate(0 ${top})">${linesOf(drawing)}
${boxes.join('\n')}</g>
${words.join('\n')}
${left === '' ? '' : `<text class="said" x="16" y="${height - 18}">${xml(left)}</text>`}
</svg>
`
}

export const leftOut = ({ left }: Pick<Drawing, 'left'>): string =>
  left === 0 ? '' : `${left.toLocaleString('en')} more that the picture has no room for: ask for less depth or fewer kinds of relation.`

/** Only what the drawing has. `key` is SVG of 36 by 16. */
export function legendOf({ boxes, lines }: Drawing): { key: string; text: string }[] {
  const some = <T extends string>(all: Readonly<Record<T, string>>, has: (one: T) => boolean): [T, string][] =>
    (Object.entries(all) as [T, string][]).filter(([one]) => has(one))
  const box = (name: string, family: Family): string =>
    `<g class="box ${name}"><path class="shape" d="${outline(family, 1, 1, 34, 14)}"/></g>`
  return [
    ...some(families, (one) => boxes.some(({ kind }) => familyOf(kind) === one)).map(([one, text]) => ({ key: box(one, one), text })),
    ...some(edgeWords, (one) => lines.some(({ kind }) => kind === one)).map(([one, text]) => ({
      key: `<g class="line ${one}"><path class="way" d="M1 8H28"/><path class="tip" d="${tip({ x: 1, y: 8 }, { x: 35, y: 8 })}"/></g>`,
      text,
    })),
    ...some(markWords, (one) => boxes.some(({ marks, centre }) => (one === 'centre' ? centre : marks.includes(one)))).map(
      ([one, text]) => ({ key: box(`run ${one}`, 'run'), text }),
    ),
  ]
}

/** A box read aloud. */
export function inWords(box: PlacedBox): string {
  const { label, members, name } = box
  const [first] = members
  const how = standing(box).length === 0 ? '' : ` (${standing(box).join(', ')})`
  if (first === undefined || members.length > 1) {
    const some = members.slice(0, 6).map((one) => said(one.name, 60))
    return `${name}${how}: ${some.join(', ')}${members.length > some.length ? ', …' : ''}`
  }
  const detail = first.detail === null || first.detail.endsWith(first.name) ? '' : `: ${said(first.detail, 200)}`
  return `${said(label, 60)} ${first.namespace === null ? '' : `${said(first.namespace, 100)}/`}${said(first.name, 200)}${how}${detail}`
}

const classesOf = ({ kind, marks, centre }: PlacedBox): string => ['box', familyOf(kind), ...marks, ...(centre ? ['centre'] : [])].join(' ')

function inside(box: PlacedBox): string {
  const { x, y, width, height, head, shownName, foot, kind, members } = box
  const line = (name: string, at: number, text: string): string =>
    `<text class="${name}" x="${x + width / 2}" y="${y + at}">${xml(text)}</text>`
  // Something behind it: it stands for many.
  const stack = members.length > 1 ? `<path class="shape behind" d="${outline(familyOf(kind), x + 4, y + 4, width, height)}"/>` : ''
  return `<title>${xml(inWords(box))}</title>${stack}<path class="shape" d="${outline(familyOf(kind), x, y, width, height)}"/>${line('head', 15, head)}${line('name', 31, shownName)}${foot === '' ? '' : line('foot', 46, foot)}`
}

/** The table says the same in words, so a screen reader is spared the lines. Labels come last, over the lines. */
function linesOf({ lines }: Drawing): string {
  const ways = lines.map((line) => `<g class="line ${line.kind}"><path class="way" d="${pathOf(line.points)}"/>${tipOf(line)}</g>`)
  const labels = lines.map(({ kind, label, labelAt: { x, y } }) => {
    const width = labelWidth(label)
    return `<rect class="ground" x="${x - width / 2}" y="${y - 7}" width="${width}" height="14"/><text class="label ${kind}" x="${x}" y="${y + 3}">${xml(label)}</text>`
  })
  return `<g aria-hidden="true">${ways.join('')}${labels.join('')}</g>`
}

const tipOf = ({ points }: PlacedLine): string => {
  const [before, last] = points.slice(-2)
  return before === undefined || last === undefined ? '' : `<path class="tip" d="${tip(before, last)}"/>`
}
function tip(from: Point, to: Point): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length]
  const at = (back: number, aside: number): string =>
    `${(to.x - dx * back - dy * aside).toFixed(1)} ${(to.y - dy * back + dx * aside).toFixed(1)}`
  return `M${to.x} ${to.y}L${at(8, 4)}L${at(8, -4)}Z`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const xml = (text: string): string => said(text, 4_000).replace(/[&<>"']/g, (one) => entities[one] ?? '')
