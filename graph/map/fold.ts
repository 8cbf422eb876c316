/**
 * What is drawn of a view that has too many nodes: nodes alike in kind, standing and everything they touch become one box (“14 packages”), as few as
 * needed; what still does not fit, the farthest first, is counted. What was asked about, entries and targets are never folded.
 */
import { type EntityKind, entityKinds } from '../../domain/entity.ts'
import type { GraphEdge, GraphMark, GraphNode, GraphView } from '../../domain/graph-view.ts'
import { byText, kindWords } from './words.ts'

/** `members`: one, or all that it stands for; `number`: its place in the order of reading, from 1. */
export type Box = {
  number: number
  kind: EntityKind
  label: string
  name: string
  marks: GraphMark[]
  centre: boolean
  depth: number
  members: GraphNode[]
}
/** All edges from one box to another, as one line of the strongest of their kinds. */
export type Line = { from: number; to: number; kind: GraphEdge['kind']; /** The strongest kind’s first. */ titles: string[]; count: number }
/** `home`: the one namespace that what was asked about is in. */
export type Picture = { title: string; home: string | null; boxes: Box[]; lines: Line[]; left: number }

/** How many boxes a person can still read. */
export const mostBoxes = 60
/** And how many lines between them; beyond, fewer boxes tell more. */
export const mostLines = 90
const fewestBoxes = 16
const least = [40, 24, 16, 10, 6, 4, 3, 2]
const strength = { step: 3, alert: 2, finding: 1, relation: 0 } as const

export function pictureOf(view: GraphView, most = mostBoxes): Picture {
  const nodes = inOrder(view)
  const edges = edgesOf(view)
  let classes = new Map(nodes.map(({ id }) => [id, id]))
  for (const size of least) {
    if (new Set(classes.values()).size <= most && linesAmong(edges, classes) <= mostLines) break
    classes = alike(view, nodes, edges, size)
  }
  const groups = [...Map.groupBy(nodes, ({ id }) => classes.get(id) ?? id).values()]
  let kept = cut(view, groups, most)
  while (kept.length > fewestBoxes && linesAmong(edges, classesOf(kept)) > mostLines) kept = cut(view, groups, kept.length - 1)
  const boxes = kept.map((members, at) => boxOf(view, members, at + 1))
  const boxAt = new Map(boxes.flatMap(({ number, members }) => members.map(({ id }) => [id, number] as const)))
  return {
    title: view.title,
    home: homeOf(view),
    boxes,
    lines: linesOf(edges, boxAt),
    left: view.more + nodes.length - boxes.reduce((sum, { members }) => sum + members.length, 0),
  }
}

const classesOf = (groups: readonly GraphNode[][]): Map<string, string> =>
  new Map(groups.flatMap((members, at) => members.map(({ id }) => [id, String(at)] as const)))

/** How many lines there are when each class is a box, and what is in none is left out. */
function linesAmong(edges: readonly GraphEdge[], classes: ReadonlyMap<string, string>): number {
  const pairs = edges.flatMap(({ from, to }) => {
    const [a, b] = [classes.get(from), classes.get(to)]
    return a === undefined || b === undefined || a === b ? [] : [`${a}\0\0${b}`]
  })
  return new Set(pairs).size
}

function homeOf({ nodes, centre }: GraphView): string | null {
  const asked = nodes.filter(({ id }) => centre.includes(id))
  const homes = new Set(asked.map(({ kind, name, namespace }) => (kind === 'namespace' ? name : namespace)).filter((one) => one !== null))
  return homes.size === 1 ? ([...homes][0] ?? null) : null
}

/** Nearest first; then by kind, place and name. The table reads in the same order. */
export function inOrder({ nodes }: GraphView): GraphNode[] {
  const keyed = [...new Map(nodes.map((node) => [node.id, node])).values()].map((node) => ({
    node,
    key: [String(entityKinds.indexOf(node.kind)).padStart(2, '0'), node.scope, node.namespace ?? '', node.name, node.id].join('\0'),
  }))
  return keyed.sort((a, b) => a.node.depth - b.node.depth || byText(a.key, b.key)).map(({ node }) => node)
}

/** Those whose both ends are known, each once. */
export function edgesOf({ nodes, edges }: GraphView): GraphEdge[] {
  const known = new Set(nodes.map(({ id }) => id))
  const keyed = edges
    .filter(({ from, to }) => known.has(from) && known.has(to))
    .map((edge) => ({ edge, key: [edge.from, edge.to, edge.kind, edge.type, edge.title, edge.because ?? '', edge.count].join('\0') }))
  return [...new Map(keyed.map((one) => [one.key, one])).values()].sort((a, b) => byText(a.key, b.key)).map(({ edge }) => edge)
}

/**
 * The coarsest classes of at least so many in which every member touches the same classes in the same ways: begun from kind and standing, split until
 * nothing splits. So a folded box never claims for all what holds for some.
 */
function alike(view: GraphView, nodes: readonly GraphNode[], edges: readonly GraphEdge[], size: number): Map<string, string> {
  const fixed = new Set(nodes.filter((node) => isFixed(view, node)).map(({ id }) => id))
  let classes = new Map(
    nodes.map((node) => [node.id, fixed.has(node.id) ? `=${node.id}` : `${node.kind}\0${node.label}\0${node.marks.toSorted().join()}`]),
  )
  for (let before = -1; ;) {
    const groups = Map.groupBy(nodes, ({ id }) => classes.get(id) ?? id)
    if (groups.size === before) return classes
    before = groups.size
    const grouped = new Map(
      [...groups.values()].flatMap((members, at) => members.map(({ id }) => [id, members.length < size ? `=${id}` : `#${at}`] as const)),
    )
    const touched = new Map<string, Set<string>>(nodes.map(({ id }) => [id, new Set()]))
    for (const { from, to, kind, type } of edges) {
      touched.get(from)?.add(`>${kind} ${type} ${grouped.get(to)}`)
      touched.get(to)?.add(`<${kind} ${type} ${grouped.get(from)}`)
    }
    classes = new Map(nodes.map(({ id }) => [id, [grouped.get(id), ...[...(touched.get(id) ?? [])].sort()].join('\0')]))
  }
}

/** A storm’s processes are many and alike: they may be folded though alerts are about them. */
const isFixed = (view: GraphView, { id, kind, marks }: GraphNode): boolean =>
  view.centre.includes(id) || marks.some((mark) => mark === 'entry' || mark === 'target' || (mark === 'incident' && kind !== 'process'))

/** Groups stand in reading order already, by their first member. */
function cut(view: GraphView, groups: readonly GraphNode[][], most: number): GraphNode[][] {
  const order = new Map(groups.map((group, at) => [group, at]))
  const weight = ([first]: readonly GraphNode[]): number =>
    first === undefined ? 9 : view.centre.includes(first.id) ? 0 : isFixed(view, first) ? 1 : 2
  const chosen = groups.toSorted((a, b) => weight(a) - weight(b) || (order.get(a) ?? 0) - (order.get(b) ?? 0)).slice(0, most)
  return chosen.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0))
}

function boxOf(view: GraphView, members: GraphNode[], number: number): Box {
  const [first] = members as [GraphNode]
  const many = members.length > 1
  return {
    number,
    kind: first.kind,
    label: first.label,
    name: many ? `${members.length} ${kindWords(first.kind, members.length)}` : first.name,
    marks: first.marks,
    centre: view.centre.includes(first.id),
    depth: first.depth,
    members,
  }
}

function linesOf(edges: readonly GraphEdge[], boxAt: ReadonlyMap<string, number>): Line[] {
  const between = Map.groupBy(edges, ({ from, to }) => `${boxAt.get(from)} ${boxAt.get(to)}`)
  const lines = [...between.values()].flatMap((those): Line[] => {
    const strongest = those.toSorted((a, b) => strength[b.kind] - strength[a.kind] || byText(a.title, b.title))
    const [first] = strongest
    const [from, to] = [boxAt.get(first?.from ?? ''), boxAt.get(first?.to ?? '')]
    if (first === undefined || from === undefined || to === undefined || from === to) return []
    const titles = [...new Set(strongest.map(({ title }) => title))]
    return [{ from, to, kind: first.kind, titles, count: those.reduce((sum, { count }) => sum + count, 0) }]
  })
  return lines.sort((a, b) => a.from - b.from || a.to - b.to)
}
