/**
 * The attack graph in typed arrays: what exact questions (k cheapest simple paths, choke points) are computed on. Steps between the same two
 * ends are one hop with alternatives. Nodes are numbered by entity id, so the same steps give the same graph in whatever order they come.
 */

/** Arrays belong together and are never written to: `without` makes other ones. */
export type StepGraph = {
  /** Entity row ids, ascending; a node is a place in here. */ readonly ids: Float64Array
  /** Hops out of node n: outStart[n] to outStart[n + 1], by their other end. */ readonly outStart: Uint32Array
  readonly hopSrc: Uint32Array
  readonly hopDst: Uint32Array
  /** Of its cheapest step; `gone`: no step of it is left. */ readonly hopCost: Uint8Array
  /** Hops into node n: inHops[inStart[n]] to inHops[inStart[n + 1]]. */ readonly inStart: Uint32Array
  readonly inHops: Uint32Array
  /** Steps of hop h: stepStart[h] to stepStart[h + 1], cheapest first. */ readonly stepStart: Uint32Array
  readonly stepCost: Uint8Array
  readonly stepType: Uint16Array
  /** -1: no one change takes it away. */ readonly stepFix: Int32Array
  readonly types: readonly string[]
  /** In order. */ readonly fixKeys: readonly string[]
  /** Hops with a step that fix f takes away: fixHops[fixStart[f]] to fixHops[fixStart[f + 1]]. */ readonly fixStart: Uint32Array
  readonly fixHops: Uint32Array
}
export const gone = 255

export type Targets = ReadonlySet<bigint> | ((id: bigint) => boolean)

/** The same graph after these changes, and without these things: what-if. */
export function without(
  graph: StepGraph,
  { fixKeys = [], nodes = [] }: { fixKeys?: readonly string[]; nodes?: readonly bigint[] },
): StepGraph {
  const hopCost = graph.hopCost.slice()
  const stepCost = graph.stepCost.slice()
  for (const key of fixKeys) {
    const fix = fixOf(graph, key)
    if (fix === undefined) continue
    for (let place = at(graph.fixStart, fix); place < at(graph.fixStart, fix + 1); place += 1) {
      const hop = at(graph.fixHops, place)
      hopCost[hop] = gone
      for (let step = at(graph.stepStart, hop); step < at(graph.stepStart, hop + 1); step += 1) {
        if (at(graph.stepFix, step) === fix) stepCost[step] = gone
        hopCost[hop] = Math.min(at(hopCost, hop), at(stepCost, step))
      }
    }
  }
  for (const node of nodes.flatMap((id) => nodeOf(graph, id) ?? [])) {
    hopCost.fill(gone, at(graph.outStart, node), at(graph.outStart, node + 1))
    for (let place = at(graph.inStart, node); place < at(graph.inStart, node + 1); place += 1) hopCost[at(graph.inHops, place)] = gone
  }
  return { ...graph, hopCost, stepCost }
}

/** Undefined: no step begins or ends there. */
export function nodeOf({ ids }: StepGraph, id: bigint): number | undefined {
  return placeIn(ids.length, (place) => at(ids, place) - Number(id))
}
export const idOf = ({ ids }: StepGraph, node: number): bigint => BigInt(at(ids, node))

export function fixOf({ fixKeys }: StepGraph, key: string): number | undefined {
  return placeIn(fixKeys.length, (place) => ((fixKeys[place] ?? '') < key ? -1 : fixKeys[place] === key ? 0 : 1))
}

/** 1 for each node that is a target. */
export function marksOf(graph: StepGraph, targets: Targets): Uint8Array {
  const marks = new Uint8Array(graph.ids.length)
  if (typeof targets === 'function') for (let node = 0; node < marks.length; node += 1) marks[node] = targets(idOf(graph, node)) ? 1 : 0
  else for (const node of [...targets].flatMap((id) => nodeOf(graph, id) ?? [])) marks[node] = 1
  return marks
}

/** Typed arrays are read only where they have something. */
export const at = (array: ArrayLike<number>, place: number): number => array[place] as number

function placeIn(length: number, compare: (place: number) => number): number | undefined {
  let low = 0
  let high = length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = compare(middle)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return undefined
}
