/** What can be taken from where, step by step: the blast radius. Costs do not count, only what is left of each hop. */
import { at, gone, idOf, nodeOf, type StepGraph } from './engine.ts'

export type Reached = { id: bigint; /** Fewest hops to it. */ depth: number }

/** Everything within `maxDepth` hops of these, themselves first; by depth, then id. */
export function reach(graph: StepGraph, from: readonly bigint[], maxDepth = Number.POSITIVE_INFINITY): Reached[] {
  const { order, depth } = spread(
    graph,
    from.flatMap((id) => nodeOf(graph, id) ?? []),
    maxDepth,
  )
  return [...order]
    .map((node) => ({ id: idOf(graph, node), depth: at(depth, node) }))
    .sort((a, b) => a.depth - b.depth || (a.id < b.id ? -1 : 1))
}

/** Nodes in the order of their discovery; `depth` -1: not reached; `via`: the hop each was first reached by, -1 for none. */
export type Spread = { order: Uint32Array; depth: Int32Array; via: Int32Array }

export function spread(graph: StepGraph, from: readonly number[], maxDepth = Number.POSITIVE_INFINITY): Spread {
  const { outStart, hopDst, hopCost, ids } = graph
  const depth = new Int32Array(ids.length).fill(-1)
  const via = new Int32Array(ids.length).fill(-1)
  const queue = new Uint32Array(ids.length)
  let found = 0
  for (const node of from.toSorted((a, b) => a - b)) {
    if (at(depth, node) === 0) continue
    depth[node] = 0
    queue[found++] = node
  }
  for (let next = 0; next < found; next += 1) {
    const node = at(queue, next)
    if (at(depth, node) >= maxDepth) break
    for (let hop = at(outStart, node); hop < at(outStart, node + 1); hop += 1) {
      const end = at(hopDst, hop)
      if (at(hopCost, hop) === gone || at(depth, end) >= 0) continue
      depth[end] = at(depth, node) + 1
      via[end] = hop
      queue[found++] = end
    }
  }
  return { order: queue.subarray(0, found), depth, via }
}
