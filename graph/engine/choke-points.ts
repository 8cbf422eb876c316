/**
 * Which single change takes most away from an intruder. For each fix, exactly: how many of the targets that can be reached from the start, over
 * however many hops, cannot be any more; and how many of the k cheapest paths have a hop of which nothing is left. Told in that order, then by key.
 */
import { at, gone, marksOf, nodeOf, type StepGraph } from './engine.ts'
import { type Spread, spread } from './reach.ts'
import { cheapest, type PathQuestion } from './shortest-paths.ts'

export type ChokePoint = { fixKey: string; targetsCutOff: number; pathsRemoved: number }
export type ChokePoints = {
  /** Fixes that cut off a target or remove a path; no other does either. */ points: ChokePoint[]
  /** Of how many. */ targetsReached: number
  paths: number
  /** False: the work allowed was used up. What is counted is right, but other fixes may do as much. */ complete: boolean
}

export function chokePoints(
  graph: StepGraph,
  { k = 100, budget = 20_000_000, ...question }: Omit<PathQuestion, 'k'> & { k?: number },
): ChokePoints {
  const sources = question.from.flatMap((id) => nodeOf(graph, id) ?? [])
  const soleFix = soleFixes(graph)
  const found = cheapest(graph, { ...question, k, budget })
  const removed = new Map<number, number>()
  for (const hops of found.paths)
    for (const fix of new Set(hops.map((hop) => at(soleFix, hop)))) if (fix >= 0) removed.set(fix, (removed.get(fix) ?? 0) + 1)
  const tree = treeOf(graph, spread(graph, sources), marksOf(graph, question.targets))
  const cut = cutOff(graph, tree, soleFix, budget)
  const points = [...new Set([...cut.byFix.keys(), ...removed.keys()])]
    .map((fix) => ({ fix, fixKey: graph.fixKeys[fix] ?? '', targetsCutOff: cut.byFix.get(fix) ?? 0, pathsRemoved: removed.get(fix) ?? 0 }))
    .sort((a, b) => b.targetsCutOff - a.targetsCutOff || b.pathsRemoved - a.pathsRemoved || a.fix - b.fix)
    .map(({ fix: _fix, ...point }) => point)
  return {
    points,
    targetsReached: at(tree.targetsBefore, tree.order.length),
    paths: found.paths.length,
    complete: found.complete && cut.complete,
  }
}

/** Per hop: the one fix that takes all of its steps away, or -1. */
function soleFixes({ hopCost, stepStart, stepCost, stepFix }: StepGraph): Int32Array {
  const sole = new Int32Array(hopCost.length).fill(-1)
  for (let hop = 0; hop < hopCost.length; hop += 1) {
    if (at(hopCost, hop) === gone) continue
    let fix: number | undefined
    for (let step = at(stepStart, hop); step < at(stepStart, hop + 1); step += 1)
      if (at(stepCost, step) !== gone) fix = fix === undefined || fix === at(stepFix, step) ? at(stepFix, step) : -1
    sole[hop] = fix ?? -1
  }
  return sole
}

/**
 * How things were first reached, as a tree. Written down parent before child and each with all that hangs on it, so that a branch is a stretch of
 * `order`: from `place[node]`, `size[node]` long. `targetsBefore[p]`: how many targets stand before place p.
 */
type Tree = { order: Uint32Array; place: Int32Array; size: Uint32Array; via: Int32Array; targets: Uint8Array; targetsBefore: Uint32Array }

function treeOf({ ids, hopSrc }: StepGraph, { order: found, via }: Spread, targets: Uint8Array): Tree {
  const size = new Uint32Array(ids.length)
  const place = new Int32Array(ids.length).fill(-1)
  const free = new Uint32Array(ids.length)
  const order = new Uint32Array(found.length)
  for (const node of found.toReversed()) {
    size[node] = at(size, node) + 1
    if (at(via, node) >= 0) size[at(hopSrc, at(via, node))] = at(size, at(hopSrc, at(via, node))) + at(size, node)
  }
  let roots = 0
  for (const node of found) {
    const parent = at(via, node) < 0 ? -1 : at(hopSrc, at(via, node))
    place[node] = parent < 0 ? roots : at(free, parent)
    if (parent < 0) roots += at(size, node)
    else free[parent] = at(free, parent) + at(size, node)
    free[node] = at(place, node) + 1
    order[at(place, node)] = node
  }
  const targetsBefore = new Uint32Array(order.length + 1)
  for (let p = 0; p < order.length; p += 1)
    targetsBefore[p + 1] = at(targetsBefore, p) + (at(via, at(order, p)) < 0 ? 0 : at(targets, at(order, p)))
  return { order, place, size, via, targets, targetsBefore }
}

/** The largest branches first: what is left out when the work allowed is used up is the least. */
function cutOff(graph: StepGraph, tree: Tree, soleFix: Int32Array, budget: number): { byFix: Map<number, number>; complete: boolean } {
  const byFix = new Map<number, number>()
  const mark = new Int32Array(graph.ids.length)
  let left = budget
  let round = 0
  for (const { fix, branches } of branchesOf(tree, soleFix)) {
    round += 2
    const { lost, work } = lostIn(graph, tree, branches, { mark, inBranch: round - 1, kept: round }, (hop) => at(soleFix, hop) !== fix)
    if (lost > 0) byFix.set(fix, lost)
    left -= work
    if (left < 0) return { byFix, complete: false }
  }
  return { byFix, complete: true }
}

type Branch = { from: number; until: number }
/** Of each fix: what hangs on the hops it takes from the tree, where there is a target. All else is reached without them. */
function branchesOf(tree: Tree, soleFix: Int32Array): { fix: number; branches: Branch[] }[] {
  const byFix = new Map<number, Branch[]>()
  for (let from = 0; from < tree.order.length; from += 1) {
    const node = at(tree.order, from)
    const fix = at(tree.via, node) < 0 ? -1 : at(soleFix, at(tree.via, node))
    const branches = byFix.get(fix)
    if (fix < 0 || from < (branches?.at(-1)?.until ?? 0)) continue
    const branch = { from, until: from + at(tree.size, node) }
    if (branches === undefined) byFix.set(fix, [branch])
    else branches.push(branch)
  }
  return [...byFix]
    .map(([fix, branches]) => ({
      fix,
      branches,
      targets: branches.reduce((sum, { from, until }) => sum + at(tree.targetsBefore, until) - at(tree.targetsBefore, from), 0),
    }))
    .filter(({ targets }) => targets > 0)
    .sort((a, b) => b.targets - a.targets || a.fix - b.fix)
}

type Marks = { mark: Int32Array; inBranch: number; kept: number }
/** Enters the branches again by what still leads into them from outside, and counts the targets that stay away. */
function lostIn(
  graph: StepGraph,
  tree: Tree,
  branches: readonly Branch[],
  { mark, inBranch, kept }: Marks,
  stands: (hop: number) => boolean,
): { lost: number; work: number } {
  const { inStart, inHops, outStart, hopSrc, hopDst, hopCost } = graph
  const nodes = branches.flatMap(({ from, until }) => [...tree.order.subarray(from, until)])
  for (const node of nodes) mark[node] = inBranch
  const queue: number[] = []
  let work = nodes.length
  for (const node of nodes) {
    work += at(inStart, node + 1) - at(inStart, node)
    for (let place = at(inStart, node); place < at(inStart, node + 1); place += 1) {
      const hop = at(inHops, place)
      const from = at(hopSrc, hop)
      if (at(tree.place, from) < 0 || at(mark, from) >= inBranch || at(hopCost, hop) === gone || !stands(hop)) continue
      mark[node] = kept
      queue.push(node)
      break
    }
  }
  for (let next = 0; next < queue.length; next += 1) {
    const node = queue[next] as number
    work += at(outStart, node + 1) - at(outStart, node)
    for (let hop = at(outStart, node); hop < at(outStart, node + 1); hop += 1) {
      const end = at(hopDst, hop)
      if (at(mark, end) !== inBranch || at(hopCost, hop) === gone || !stands(hop)) continue
      mark[end] = kept
      queue.push(end)
    }
  }
  return { lost: nodes.filter((node) => at(mark, node) === inBranch && at(tree.targets, node) === 1).length, work }
}
