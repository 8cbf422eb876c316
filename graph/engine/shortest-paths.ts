/**
 * The k cheapest simple paths to any of the targets, exactly: by cost, then hops. Each next path is the cheapest that leaves an earlier one
 * somewhere (Yen; no part searched twice, after Lawler), found best-first under what the rest must cost at least in so many hops.
 * Work is counted, not timed, so that the same graph gives the same answer on any machine.
 */
import { at, gone, idOf, marksOf, nodeOf, type StepGraph, type Targets } from './engine.ts'
import { spread } from './reach.ts'

export type PathStep = { type: string; cost: number; fixKey: string | null }
/** `hops[i]` leads from `nodes[i]` to `nodes[i + 1]`: its steps, any of which will do, cheapest first. */
export type AttackPath = { nodes: bigint[]; hops: PathStep[][]; cost: number }
/** Not `complete`: the work allowed was used up. Those given are the cheapest all the same; others of the k are missing. */
export type Paths = { paths: AttackPath[]; complete: boolean }
export type PathQuestion = {
  /** A path begins at one of these. */ from: readonly bigint[]
  /** A path ends at one, and may pass through others. */ targets: Targets
  k: number
  /** At most 31. */ maxHops?: number
  /** Hops looked at, at most; ten million take a second or so. */ budget?: number
}

export function shortestPaths(graph: StepGraph, question: PathQuestion): Paths {
  const { paths, complete } = cheapest(graph, question)
  return { paths: paths.map((hops) => pathOf(graph, hops)), complete }
}

/** The same as hops. */
export function cheapest(
  graph: StepGraph,
  { from, targets, k, maxHops = 8, budget = 20_000_000 }: PathQuestion,
): { paths: number[][]; complete: boolean } {
  const sources = [...new Set(from.flatMap((id) => nodeOf(graph, id) ?? []))]
  const search = new Search(graph, sources, marksOf(graph, targets), Math.min(maxHops, mostHops), budget)
  const accepted: number[][] = []
  const candidates: Candidate[] = []
  const consider = (start: number, prefix: number[]): void => {
    const found = search.cheapestAfter(start, prefix, takenAfter(prefix, accepted))
    if (found === undefined) return
    const hops = [...prefix, ...found]
    candidates.push({ start, hops, weight: weigh(graph, hops), left: prefix.length })
  }
  for (const source of sources) consider(source, [])
  while (accepted.length < k && !search.exhausted) {
    const best = takeLeast(candidates)
    if (best === undefined) return { paths: accepted, complete: true }
    accepted.push(best.hops)
    if (accepted.length === k) return { paths: accepted, complete: true }
    for (let kept = best.left; kept <= best.hops.length; kept += 1) consider(best.start, best.hops.slice(0, kept))
  }
  return { paths: accepted, complete: accepted.length >= k }
}

/** `left`: how many hops it shares with the path it left. */
type Candidate = { start: number; hops: number[]; weight: number; left: number }
const mostHops = 31
const perCost = mostHops + 1
const unreachable = 65_535

/** Costs first, hops between equals: as one number. */
const weigh = ({ hopCost }: StepGraph, hops: readonly number[]): number =>
  hops.reduce((sum, hop) => sum + at(hopCost, hop) * perCost + 1, 0)

/** Hops are numbered by their ends: of equals, the one whose nodes come first. */
function takeLeast(candidates: Candidate[]): Candidate | undefined {
  let least = 0
  for (let place = 1; place < candidates.length; place += 1)
    if (before(candidates[place] as Candidate, candidates[least] as Candidate)) least = place
  return candidates.splice(least, 1)[0]
}
function before(a: Candidate, b: Candidate): boolean {
  if (a.weight !== b.weight) return a.weight < b.weight
  const place = a.hops.findIndex((hop, index) => hop !== b.hops[index])
  return place >= 0 && (a.hops[place] as number) < (b.hops[place] ?? -1)
}

/** Where earlier paths with this beginning went on. One that ended there was found first, for it weighs less: none ends there again. */
function takenAfter(prefix: readonly number[], accepted: readonly number[][]): Set<number> {
  const same = accepted.filter((hops) => prefix.every((hop, place) => hops[place] === hop))
  return new Set(same.flatMap((hops) => hops[prefix.length] ?? []))
}

function pathOf(graph: StepGraph, hops: readonly number[]): AttackPath {
  const ends = hops.map((hop) => idOf(graph, at(graph.hopDst, hop)))
  return {
    nodes: [idOf(graph, at(graph.hopSrc, hops[0] ?? 0)), ...ends],
    hops: hops.map((hop) => stepsOfHop(graph, hop)),
    cost: hops.reduce((sum, hop) => sum + at(graph.hopCost, hop), 0),
  }
}

function stepsOfHop({ stepStart, stepCost, stepType, stepFix, types, fixKeys }: StepGraph, hop: number): PathStep[] {
  const steps: PathStep[] = []
  for (let step = at(stepStart, hop); step < at(stepStart, hop + 1); step += 1)
    if (at(stepCost, step) !== gone)
      steps.push({ type: types[at(stepType, step)] ?? '', cost: at(stepCost, step), fixKey: fixKeys[at(stepFix, step)] ?? null })
  return steps
}

class Search {
  readonly #graph: StepGraph
  readonly #targets: Uint8Array
  readonly #maxHops: number
  readonly #taken: Uint8Array
  /** By hops left: what each node's way to a target weighs at least. */ readonly #bounds: Uint16Array[]
  #budget: number

  constructor(graph: StepGraph, sources: readonly number[], targets: Uint8Array, maxHops: number, budget: number) {
    this.#graph = graph
    this.#targets = targets
    this.#maxHops = maxHops
    this.#taken = new Uint8Array(graph.ids.length)
    this.#budget = budget
    this.#bounds = this.#boundsFrom(spread(graph, sources, maxHops).depth)
  }

  get exhausted(): boolean {
    return this.#budget < 0
  }

  /** The hops of the cheapest way on. Undefined: there is none, or the work allowed is used up. */
  cheapestAfter(source: number, prefix: readonly number[], without: ReadonlySet<number>): number[] | undefined {
    const { hopSrc, hopDst } = this.#graph
    for (const hop of prefix) this.#taken[at(hopSrc, hop)] = 1
    const start = prefix.length === 0 ? source : at(hopDst, prefix[prefix.length - 1] as number)
    this.#taken[start] = 1
    const found = this.#bestFirst(start, prefix.length, without)
    for (const hop of prefix) this.#taken[at(hopSrc, hop)] = 0
    this.#taken[start] = 0
    return found
  }

  /** Every hop weighs something, so the lightest walk meets no node twice; only those already taken must be kept off. */
  #bestFirst(start: number, hopsBefore: number, without: ReadonlySet<number>): number[] | undefined {
    const { outStart, hopDst, hopCost } = this.#graph
    const labels: Label[] = [{ node: start, hops: hopsBefore, weight: 0, hop: -1, before: -1 }]
    const queue = new Buckets()
    const settled = new Set<number>()
    queue.add(0, 0)
    for (let next = queue.take(); next !== undefined; next = queue.take()) {
      const { node, hops, weight } = labels[next] as Label
      if (settled.has(node * perCost + hops)) continue
      settled.add(node * perCost + hops)
      if (at(this.#targets, node) === 1 && hops > hopsBefore) return walkTo(labels, next)
      if (hops === this.#maxHops) continue
      const bounds = this.#bounds[this.#maxHops - hops - 1] as Uint16Array
      this.#budget -= at(outStart, node + 1) - at(outStart, node)
      if (this.#budget < 0) return undefined
      for (let hop = at(outStart, node); hop < at(outStart, node + 1); hop += 1) {
        const end = at(hopDst, hop)
        if (at(bounds, end) === unreachable || at(hopCost, hop) === gone || at(this.#taken, end) === 1) continue
        if (node === start && without.has(hop)) continue
        const reached = weight + at(hopCost, hop) * perCost + 1
        labels.push({ node: end, hops: hops + 1, weight: reached, hop, before: next })
        queue.add(reached + at(bounds, end), labels.length - 1)
      }
    }
    return undefined
  }

  /** Backward from the targets, one more hop each time; only what can be reached in the hops that are then left counts. */
  #boundsFrom(depth: Int32Array): Uint16Array[] {
    const { inStart, inHops, hopSrc, hopCost } = this.#graph
    let layer = new Uint16Array(depth.length).fill(unreachable)
    const changedIn = new Uint8Array(depth.length)
    let changed: number[] = []
    for (let node = 0; node < depth.length; node += 1)
      if (at(this.#targets, node) === 1 && at(depth, node) >= 0) {
        layer[node] = 0
        changed.push(node)
      }
    const layers = [layer]
    for (let hops = 1; hops <= this.#maxHops; hops += 1) {
      const last = layer
      layer = last.slice()
      const next: number[] = []
      for (const node of changed) {
        this.#budget -= at(inStart, node + 1) - at(inStart, node)
        for (let place = at(inStart, node); place < at(inStart, node + 1); place += 1) {
          const hop = at(inHops, place)
          const end = at(hopSrc, hop)
          if (at(hopCost, hop) === gone || at(depth, end) < 0 || at(depth, end) + hops > this.#maxHops) continue
          const weight = at(last, node) + at(hopCost, hop) * perCost + 1
          if (weight >= at(layer, end)) continue
          layer[end] = weight
          if (at(changedIn, end) === hops) continue
          changedIn[end] = hops
          next.push(end)
        }
      }
      changed = next
      layers.push(layer)
    }
    return layers
  }
}

/** A walk so far: its last hop, and the label that was left by it. */
type Label = { node: number; hops: number; weight: number; hop: number; before: number }
function walkTo(labels: readonly Label[], last: number): number[] {
  const hops: number[] = []
  for (let label = labels[last]; label !== undefined && label.before >= 0; label = labels[label.before]) hops.push(label.hop)
  return hops.reverse()
}

/** Weights are small whole numbers, and what is taken never gets lighter: a list per weight is a queue. */
class Buckets {
  readonly #lists: (number[] | undefined)[] = []
  #least = 0

  add(weight: number, value: number): void {
    const list = this.#lists[weight]
    if (list === undefined) this.#lists[weight] = [value]
    else list.push(value)
  }

  take(): number | undefined {
    for (; this.#least < this.#lists.length; this.#least += 1) {
      const value = this.#lists[this.#least]?.pop()
      if (value !== undefined) return value
    }
    return undefined
  }
}
