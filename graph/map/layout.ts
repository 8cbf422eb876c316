/**
 * Where each box and line of a map is, in whole pixels, left to right along the edges. The same view gives the same numbers in whatever order its nodes
 * and edges came: everything is handed to the layout in reading order.
 */
import { Graph, layout } from '@dagrejs/dagre'
import type { GraphView } from '../../domain/graph-view.ts'
import { steadyOrder } from './order.ts'
import { columnsOfBoxes, type Point, routed } from './route.ts'
import { familyInset, familyOf } from './shapes.ts'
import { type Box, type Line, pictureOf } from './fold.ts'
import { columnsOf, fitted, said } from './words.ts'

/** x and y: its upper left corner. `head`: what it is; `name`: which; `foot`: how it stands, empty where nothing is to be said. */
export type PlacedBox = Box & { x: number; y: number; width: number; height: number; head: string; shownName: string; foot: string }
export type PlacedLine = Line & { points: Point[]; label: string; labelAt: Point }
export type Drawing = {
  title: string
  width: number
  height: number
  boxes: PlacedBox[]
  lines: PlacedLine[]
  left: number
  freshness: string
}

/** Sizes of type; the widths hold for a monospaced face, where every character has the same. */
export const type = { head: 10.5, name: 12, foot: 10.5, label: 10, advance: 0.61 } as const
export const labelWidth = (label: string): number => Math.ceil(columnsOf(label) * type.label * type.advance) + 8
const nameColumns = 26
const labelColumns = 22
const margin = 16

export function drawingOf(view: GraphView, most?: number): Drawing {
  const { title, home, boxes, lines, left } = pictureOf(view, most)
  const sized = boxes.map((box) => sizeOf(box, home))
  const { placed, drawn } = place(sized, lines)
  const ends = [...placed.map((box) => ({ x: box.x + box.width, y: box.y + box.height })), ...drawn.flatMap(({ points }) => points)]
  return {
    title: said(title, 200),
    width: Math.max(margin, ...ends.map(({ x }) => x)) + margin,
    height: Math.max(margin, ...ends.map(({ y }) => y)) + margin,
    boxes: placed,
    lines: drawn,
    left,
    freshness: said(view.freshness, 400),
  }
}

type Sized = Omit<PlacedBox, 'x' | 'y'>
function place(boxes: readonly Sized[], lines: readonly Line[]): { placed: PlacedBox[]; drawn: PlacedLine[] } {
  const graph = new Graph<object, { width: number; height: number; x?: number; y?: number }, { points?: Point[]; x?: number; y?: number }>()
  graph.setGraph({ rankdir: 'LR', nodesep: 12, edgesep: 8, ranksep: 44, marginx: margin, marginy: margin })
  for (const { number, width, height } of boxes) graph.setNode(`b${number}`, { width, height })
  for (const line of lines) graph.setEdge(`b${line.from}`, `b${line.to}`, { width: labelWidth(labelOf(line)), height: 14, labelpos: 'c' })
  layout(graph, { customOrder: steadyOrder })
  const placed = boxes.map((box): PlacedBox => {
    const { x = 0, y = 0 } = graph.node(`b${box.number}`)
    return { ...box, x: Math.round(x - box.width / 2), y: Math.round(y - box.height / 2) }
  })
  const columns = columnsOfBoxes(placed)
  const drawn = lines.map((line): PlacedLine => {
    const { points = [], x = 0, y = 0 } = graph.edge(`b${line.from}`, `b${line.to}`)
    const [from, to] = [placed[line.from - 1], placed[line.to - 1]] as [PlacedBox, PlacedBox]
    return {
      ...line,
      label: labelOf(line),
      labelAt: { x: Math.round(x), y: Math.round(y) },
      points: routed(from, to, points.slice(1, -1), columns),
    }
  })
  return { placed, drawn }
}

function sizeOf(box: Box, home: string | null): Sized {
  const head = fitted(box.label, nameColumns + 3)
  const shownName = fitted(placeAndName(box, home), nameColumns)
  const foot = standing(box).join(' · ')
  const wide = (text: string, size: number): number => columnsOf(text) * size * type.advance
  const width = Math.max(
    96,
    Math.ceil(Math.max(wide(head, type.head), wide(shownName, type.name), wide(foot, type.foot))) +
      16 +
      2 * familyInset[familyOf(box.kind)],
  )
  return { ...box, head, shownName, foot, width, height: foot === '' ? 40 : 54 }
}

/** How it stands, in words; an incident’s map is asked about what the incident is about. */
export const standing = ({ centre, marks }: Pick<Box, 'centre' | 'marks'>): string[] =>
  centre && !marks.includes('incident') ? ['asked about', ...marks] : [...marks]

/** The namespace only where it is another than of what was asked about; whole names are in the table. */
function placeAndName({ members, name }: Box, home: string | null): string {
  const namespace = members[0]?.namespace ?? null
  return members.length > 1 || namespace === null || namespace === home ? name : `${namespace}/${name}`
}

function labelOf({ titles, count }: Line): string {
  const [first = '', ...more] = titles
  const further = more.length > 0 ? ` +${more.length}` : count > 1 ? ` ×${count.toLocaleString('en')}` : ''
  return `${fitted(first, labelColumns - further.length)}${further}`
}
