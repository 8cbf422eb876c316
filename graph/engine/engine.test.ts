import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BareStep } from '../../store/attack-steps.ts'
import { property } from '../../test/support/sizes.ts'
import { buildGraph } from './build-engine.ts'
import { chokePoints } from './choke-points.ts'
import { without } from './engine.ts'
import { reach } from './reach.ts'
import { type AttackPath, shortestPaths } from './shortest-paths.ts'

const end = fc.bigInt({ min: 1n, max: 7n }).map((id) => id * 1_000n)
const step: fc.Arbitrary<BareStep> = fc.record({
  src: end,
  dst: end,
  cost: fc.integer({ min: 0, max: 4 }),
  type: fc.constantFrom('escape', 'lateral', 'token'),
  fixKey: fc.constantFrom(null, 'a', 'b', 'c', 'd', 'e'),
})
const steps = fc.uniqueArray(step, { maxLength: 24, selector: ({ src, type, dst }) => `${src} ${type} ${dst}` })
const asked = fc.record({
  from: fc.uniqueArray(end, { minLength: 1, maxLength: 2 }),
  steps,
  targets: fc.uniqueArray(end, { maxLength: 4 }).map((ids) => new Set(ids)),
  k: fc.integer({ min: 1, max: 14 }),
  maxHops: fc.integer({ min: 1, max: 7 }),
})
type Question = { from: bigint[]; steps: BareStep[]; targets: Set<bigint>; k: number; maxHops: number }
const start = 1_000n

/** Every simple path, the plain way. */
function allPaths({ steps: all, from, targets, maxHops }: Question): { nodes: bigint[]; cost: number }[] {
  const found: { nodes: bigint[]; cost: number }[] = []
  const walk = (nodes: bigint[], cost: number): void => {
    const last = nodes.at(-1) as bigint
    if (nodes.length > 1 && targets.has(last)) found.push({ nodes, cost })
    if (nodes.length > maxHops) return
    for (const next of new Set(all.filter(({ src }) => src === last).map(({ dst }) => dst)))
      if (!nodes.includes(next)) walk([...nodes, next], cost + cheapestBetween(all, last, next))
  }
  for (const id of from) walk([id], 0)
  return found.sort((a, b) => a.cost - b.cost || a.nodes.length - b.nodes.length)
}
const between = (all: readonly BareStep[], src: bigint, dst: bigint): BareStep[] => all.filter((one) => one.src === src && one.dst === dst)
const cheapestBetween = (all: readonly BareStep[], src: bigint, dst: bigint): number =>
  Math.min(...between(all, src, dst).map(({ cost }) => cost))

function reachable(from: readonly bigint[], all: readonly BareStep[], maxDepth = Number.POSITIVE_INFINITY): Map<bigint, number> {
  const depths = new Map(from.map((id) => [id, 0]))
  for (let depth = 1; depth <= Math.min(maxDepth, 10); depth += 1)
    for (const { src, dst } of all) if (depths.get(src) === depth - 1 && !depths.has(dst)) depths.set(dst, depth)
  return depths
}
const mentions = (all: readonly BareStep[]): boolean => all.some(({ src, dst }) => src !== dst && (src === start || dst === start))

describe('the path engine', () => {
  it('finds the k cheapest simple paths, and no others', () => {
    fc.assert(
      fc.property(asked, ({ steps: all, from, targets, k, maxHops }) => {
        const { paths, complete } = shortestPaths(buildGraph(all), { from, targets, k, maxHops })
        expect(complete).toBe(true)
        const expected = allPaths({ steps: all, from, targets, k, maxHops }).slice(0, k)
        expect(paths.map(({ cost, nodes }) => [cost, nodes.length])).toEqual(expected.map(({ cost, nodes }) => [cost, nodes.length]))
        expect(new Set(paths.map(({ nodes }) => nodes.join())).size).toBe(paths.length)
        for (const path of paths) expectTrue(path, all, targets)
      }),
      property(20_000),
    )
  })

  it('says the same whatever the order of the rows', () => {
    fc.assert(
      fc.property(
        asked.chain((question) =>
          fc.shuffledSubarray(question.steps, { minLength: question.steps.length }).map((other) => ({ ...question, other })),
        ),
        ({ steps: all, other, from, targets, k, maxHops }) => {
          const question = { from, targets, k, maxHops }
          expect(buildGraph(other)).toEqual(buildGraph(all))
          expect(shortestPaths(buildGraph(other), question)).toEqual(shortestPaths(buildGraph(all), question))
        },
      ),
      property(2_000),
    )
  })

  it('with little work allowed gives the first of the cheapest, and says that others are missing', () => {
    fc.assert(
      fc.property(asked, fc.integer({ min: 0, max: 60 }), ({ steps: all, from, targets, k, maxHops }, budget) => {
        const whole = shortestPaths(buildGraph(all), { from, targets, k, maxHops })
        const part = shortestPaths(buildGraph(all), { from, targets, k, maxHops, budget })
        expect(part.paths).toEqual(whole.paths.slice(0, part.paths.length))
        if (part.complete) expect(part.paths).toEqual(whole.paths)
      }),
      property(4_000),
    )
    const two: BareStep[] = [2_000n, 3_000n].map((dst) => ({ src: start, dst, cost: 1, type: 'lateral', fixKey: null }))
    const question = { from: [start], targets: () => true, k: 2 }
    expect(shortestPaths(buildGraph(two), { ...question, budget: 5 })).toMatchObject({ paths: [{}], complete: false })
    expect(shortestPaths(buildGraph(two), question)).toMatchObject({ paths: [{}, {}], complete: true })
  })

  it('reaches what can be reached, at its depth', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 5 }), (all, maxDepth) => {
        const expected = mentions(all) ? [...reachable([start], all, maxDepth)].map(([id, depth]) => ({ id, depth })) : []
        const reached = reach(buildGraph(all), [start], maxDepth)
        expect(reached).toEqual(expected.sort((a, b) => a.depth - b.depth || Number(a.id - b.id)))
      }),
      property(4_000),
    )
  })

  it('after a change is the graph that never had those steps', () => {
    fc.assert(
      fc.property(asked, fc.subarray(['a', 'b', 'c', 'none']), fc.subarray([2_000n, 3_000n, 9_000n]), (question, fixKeys, nodes) => {
        const { steps: all, from, targets, k, maxHops } = question
        const rest = all.filter(({ src, dst, fixKey }) => !fixKeys.includes(fixKey ?? '') && !nodes.includes(src) && !nodes.includes(dst))
        const changed = without(buildGraph(all), { fixKeys, nodes })
        expect(shortestPaths(changed, { from, targets, k, maxHops })).toEqual(
          shortestPaths(buildGraph(rest), { from, targets, k, maxHops }),
        )
      }),
      property(8_000),
    )
  })

  it('knows what each single change takes away', () => {
    fc.assert(
      fc.property(asked, ({ steps: all, from, targets, k, maxHops }) => {
        const graph = buildGraph(all)
        const { points, targetsReached, paths, complete } = chokePoints(graph, { from, targets, k, maxHops })
        const cheapest = shortestPaths(graph, { from, targets, k, maxHops }).paths
        const wanted = (rest: readonly BareStep[]): number =>
          [...reachable(from, rest).keys()].filter((id) => !from.includes(id) && targets.has(id)).length
        expect({ targetsReached, paths, complete }).toEqual({ targetsReached: wanted(all), paths: cheapest.length, complete: true })
        const expected = ['a', 'b', 'c', 'd', 'e'].map((fixKey) => ({
          fixKey,
          targetsCutOff: wanted(all) - wanted(all.filter((one) => one.fixKey !== fixKey)),
          pathsRemoved: cheapest.filter(({ hops }) => hops.some((hop) => hop.every((one) => one.fixKey === fixKey))).length,
        }))
        expect(points).toEqual(
          expected
            .filter(({ targetsCutOff, pathsRemoved }) => targetsCutOff + pathsRemoved > 0)
            .sort((a, b) => b.targetsCutOff - a.targetsCutOff || b.pathsRemoved - a.pathsRemoved || (a.fixKey < b.fixKey ? -1 : 1)),
        )
      }),
      property(20_000),
    )
  })

  it('has no word for what it does not know', () => {
    const graph = buildGraph([])
    expect(shortestPaths(graph, { from: [start], targets: new Set([2_000n]), k: 3 })).toEqual({ paths: [], complete: true })
    expect(reach(graph, [start])).toEqual([])
    expect(chokePoints(graph, { from: [start], targets: () => true })).toEqual({ points: [], targetsReached: 0, paths: 0, complete: true })
  })
})

function expectTrue({ nodes, hops, cost }: AttackPath, all: readonly BareStep[], targets: ReadonlySet<bigint>): void {
  expect(new Set(nodes).size).toBe(nodes.length)
  expect(targets.has(nodes.at(-1) as bigint)).toBe(true)
  expect(hops.length).toBe(nodes.length - 1)
  expect(cost).toBe(hops.reduce((sum, hop) => sum + (hop[0]?.cost ?? Number.NaN), 0))
  for (const [place, hop] of hops.entries()) {
    const stored = between(all, nodes[place] as bigint, nodes[place + 1] as bigint)
    const expected = stored
      .map(({ type, cost: price, fixKey }) => ({ type, cost: price, fixKey }))
      .sort((a, b) => a.cost - b.cost || (a.type < b.type ? -1 : 1))
    expect(hop).toEqual(expected)
  }
}
