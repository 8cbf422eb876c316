import { z } from 'zod'
import { internetNode } from '../../graph/ask.ts'
import { deriveFirst, graphFreshness } from '../../graph/asked.ts'
import { attackPaths, namedChokePoints, pathGoals, type PathQuestion } from '../../graph/paths.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool, type ToolContext } from '../tool.ts'
import { briefly, Freshness } from '../views/freshness.ts'
import { asOfInput, clusterInput, nodeInput, nodeOf, NodeRow, nodeRow } from '../views/graph.ts'
import { Detail } from '../views/given.ts'
import { PathRow, pathRow } from '../views/path.ts'

const Point = z.object({
  change: Quoted,
  on: NodeRow.nullable(),
  targetsCutOff: z.number(),
  pathsRemoved: z.number(),
  steps: z.number().describe('Attack steps it takes away in all'),
})

/** Ways through recorded configuration from one thing to another, and which one change removes the most of them. */
export const findAttackPathsTool = tool({
  name: 'find_attack_paths',
  toolset: 'graph',
  title: 'Find attack paths',
  description:
    'mode paths: the cheapest ways from one thing (default: the internet) to another, or to any secret, node, cluster or cloud account, step by step with techniques and why each step holds. mode choke_points: which single change removes the most of them. Exact over all recorded steps. It tells what is possible, not what happened. No path means none is known: read `freshness`. Example: {"from":"pod/shop/checkout-7d9f-aaaaa","goal":["cluster"],"mode":"choke_points"}',
  input: z.object({
    from: nodeInput.default('internet').describe('Row id, kind/namespace/name, or internet'),
    to: nodeInput.optional().describe('A thing; not given: any of `goal`'),
    goal: z.array(z.enum(pathGoals)).min(1).optional().describe('Not given: all'),
    mode: z.enum(['paths', 'choke_points']).default('paths'),
    cluster: clusterInput,
    asOf: asOfInput,
    maxSteps: z.number().int().min(1).max(12).default(8),
    limit: z.number().int().min(1).max(20).default(3).describe('So many paths, or changes'),
    detail: Detail.describe('full: the fix of each step, and longer reasons'),
  }),
  output: z.object({
    paths: z.array(PathRow).describe('Cheapest first'),
    chokePoints: z.array(Point).describe('Most targets cut off first'),
    targetsReached: z.number().nullable().describe('Targets that can be reached as things are; null: not asked'),
    complete: z.boolean().describe('False: the work allowed was used up before all were found'),
    more: More,
    freshness: Freshness,
  }),
  access: 'read',
  permission: 'graph.read',
  listed: true,
  run: async (input, context) => {
    const { mode, limit, cluster } = input
    const full = input.detail === 'full'
    const atNs = input.asOf ?? null
    await deriveFirst(context)
    const question = await questionOf(context, { ...input, atNs })
    context.signal.throwIfAborted()
    context.progress(0, null, 'Attack steps are loaded and searched.')
    const freshness = briefly(await graphFreshness(context, { scope: cluster, atNs }))
    const none = { paths: [], chokePoints: [], targetsReached: null, complete: true, more: null, freshness }
    if (question === null) return none
    if (mode === 'paths') {
      const found = await attackPaths(context.db, context.graph, { ...question, k: limit })
      const paths = fitting(
        found.paths.flatMap((path) => pathRow(path, full)),
        full ? 16_000 : 4_800,
      )
      const more = found.paths.length === limit || paths.length < found.paths.length
      return {
        ...none,
        paths,
        complete: found.complete,
        more: more ? moreText(null, 'name `to` or one `goal`, or ask mode choke_points') : null,
      }
    }
    const found = await namedChokePoints(context.db, context.graph, { ...question, k: 100 }, limit)
    const points = found.points.map(({ fix, on, steps, targetsCutOff, pathsRemoved }) => ({
      change: quote(fix.text, full ? 400 : 200),
      on: on === null ? null : nodeRow(on),
      targetsCutOff,
      pathsRemoved,
      steps,
    }))
    const chokePoints = fitting(points, full ? 16_000 : 4_800)
    const more = points.length === limit || chokePoints.length < points.length
    return {
      ...none,
      chokePoints,
      targetsReached: found.targetsReached,
      complete: found.complete,
      more: more ? moreText(null, 'raise limit, or name `to` or one `goal`') : null,
    }
  },
})

type Asked = {
  from: string
  to?: string | undefined
  goal?: (typeof pathGoals)[number][] | undefined
  cluster?: string | undefined
  atNs: bigint | null
  maxSteps: number
}
/** Null: nothing is known to be reachable from the internet. */
async function questionOf(
  context: ToolContext,
  { from, to, goal, cluster, atNs, maxSteps }: Asked,
): Promise<Omit<PathQuestion, 'k'> | null> {
  const start = from.toLowerCase() === 'internet' ? await internetNode(context.db) : await nodeOf(context, from, cluster)
  const target = to === undefined ? undefined : await nodeOf(context, to, cluster)
  if (start === undefined) return null
  const goals = { goals: goal ?? pathGoals, ...(cluster === undefined ? {} : { scope: cluster }) }
  return { from: [start.id], to: target === undefined ? goals : { ids: [target.id] }, atNs, maxSteps }
}
