/** The same view as rows, for who reads instead of looking: every node, those too that the picture folds or leaves out, and what leads from and to it. */
import type { GraphEdge, GraphNode, GraphView } from '../../domain/graph-view.ts'
import type { Drawing } from './layout.ts'
import { edgesOf, inOrder } from './fold.ts'

/** Numbers begin at 1. `box`: where in the picture it is; null: it has no room there. `alone`: the box is its own. */
export type Row = { number: number; node: GraphNode; box: number | null; alone: boolean; centre: boolean; ties: Tie[] }
/** `out`: from this row to `other`. */
export type Tie = { out: boolean; other: { number: number; node: GraphNode }; edge: GraphEdge }

const weight = { step: 0, alert: 1, finding: 2, relation: 3 } as const

export function rowsOf(view: GraphView, { boxes }: Drawing): Row[] {
  const numbered = new Map(inOrder(view).map((node, at) => [node.id, { number: at + 1, node }]))
  const boxOf = new Map(boxes.flatMap((box) => box.members.map(({ id }) => [id, box] as const)))
  const ties = new Map<string, Tie[]>([...numbered.keys()].map((id) => [id, []]))
  for (const edge of edgesOf(view)) {
    const [from, to] = [numbered.get(edge.from), numbered.get(edge.to)]
    if (from === undefined || to === undefined) continue
    ties.get(edge.from)?.push({ out: true, other: to, edge })
    if (from !== to) ties.get(edge.to)?.push({ out: false, other: from, edge })
  }
  return [...numbered.values()].map(({ number, node }) => {
    const box = boxOf.get(node.id)
    return {
      number,
      node,
      box: box?.number ?? null,
      alone: box?.members.length === 1,
      centre: view.centre.includes(node.id),
      ties: (ties.get(node.id) ?? []).toSorted(
        (a, b) => weight[a.edge.kind] - weight[b.edge.kind] || Number(b.out) - Number(a.out) || a.other.number - b.other.number,
      ),
    }
  })
}
