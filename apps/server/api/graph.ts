/** Operations on the graph: what stands around a node, what could be taken from it, how it could be reached. Every answer says how fresh it is. */
import { z } from 'zod'
import { relationTypes } from '../../../domain/entity.ts'
import { InputError } from '../../../domain/errors.ts'
import { GraphView } from '../../../domain/graph-view.ts'
import { blast, internetNode, neighbourhood } from '../../../graph/ask.ts'
import { Fix, StepEvidence } from '../../../domain/graph.ts'
import { factCodes } from '../../../graph/facts.ts'
import { placeFacts } from '../../../graph/place-facts.ts'
import { attackPaths, namedChokePoints, type PathGoal, pathGoals, type PathQuestion } from '../../../graph/paths.ts'
import type { Falconer } from '../falconer.ts'
import { deriveFirst, findNode, graphFreshness, graphView } from '../../../graph/asked.ts'
import { ScopeName } from '../sources.ts'
import { EventMoment, operation } from './operation.ts'
import { EdgeView, edgeView, NodeAtView, nodeView, NodeView, PathView, pathView, StepView, stepView } from './views/graph.ts'

const node = z.string().min(1).max(512).describe('Row id, kind/namespace/name (deployment/shop/checkout), ARN, digest, or “internet”')
const scope = ScopeName.optional().describe('Cluster or account, where a name is in several')
const asOf = EventMoment.optional().describe('As it was then; not given: now')
const limit = (most: number, preset: number) => z.coerce.number().int().min(1).max(most).default(preset)
const freshness = z.string().describe('What the answer stands on, and how old it is')

const between = {
  from: node.default('internet'),
  to: node.optional().describe('A node; not given: any of `goal`'),
  goal: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(pathGoals)).min(1))
    .optional()
    .describe('secret, node, cluster, cloud; separated by commas; not given: all'),
  scope,
  asOf,
  maxSteps: limit(12, 8),
}

export const graphOperations = [
  operation({
    id: 'getNeighbours',
    method: 'GET',
    path: '/graph/neighbours',
    permission: 'graph.read',
    summary: 'What stands around a node: relations with their witnesses, and attack steps',
    query: z.object({
      node,
      scope,
      asOf,
      depth: limit(5, 1),
      limit: limit(500, 100),
      types: z
        .string()
        .transform((text) => text.split(','))
        .pipe(z.array(z.enum(relationTypes)).min(1))
        .optional()
        .describe('Only along these relations, separated by commas'),
    }),
    response: z.object({
      nodes: z.array(NodeAtView).describe('Nearest first; the node itself at depth 0'),
      relations: z.array(EdgeView),
      steps: z.array(StepView),
      more: z.boolean().describe('There are more than `limit`'),
      freshness,
    }),
    run: async ({ falconer, query: { node: text, scope: within, asOf: atNs = null, types, ...rest } }) => {
      await deriveFirst(falconer)
      const centre = await findNode(falconer, text, within)
      const found = await neighbourhood(falconer.db, [centre.id], { ...rest, atNs, ...(types === undefined ? {} : { types }) })
      return {
        nodes: found.nodes.map((one) => ({ ...nodeView(one), depth: one.depth })),
        relations: found.relations.map(edgeView),
        steps: found.steps.map(stepView),
        more: found.more,
        freshness: await graphFreshness(falconer, { scope: within ?? scopeOf(centre), atNs }),
      }
    },
  }),
  operation({
    id: 'getBlastRadius',
    method: 'GET',
    path: '/graph/blast-radius',
    permission: 'graph.read',
    summary: 'What someone who has this could take next, nearest first',
    query: z.object({ node, scope, asOf, depth: limit(12, 6), limit: limit(1_000, 100) }),
    response: z.object({
      node: NodeView,
      counts: z.array(z.object({ kind: z.string(), count: z.number().int(), depth: z.number().int().describe('Steps to the first') })),
      nodes: z.array(NodeAtView),
      more: z.boolean(),
      freshness,
    }),
    run: async ({ falconer, query: { node: text, scope: within, asOf: atNs = null, ...rest } }) => {
      await deriveFirst(falconer)
      const from = await findNode(falconer, text, within)
      const found = await blast(falconer.db, [from.id], { ...rest, atNs })
      return {
        node: nodeView(from),
        counts: found.counts,
        nodes: found.nodes.map((one) => ({ ...nodeView(one), depth: one.depth })),
        more: found.more,
        freshness: await graphFreshness(falconer, { scope: within ?? scopeOf(from), atNs }),
      }
    },
  }),
  operation({
    id: 'getPlaceFacts',
    method: 'GET',
    path: '/graph/facts',
    permission: 'graph.read',
    summary: 'How a pod or workload is exposed and what it may do, each fact with the fields that show it',
    query: z.object({ node, scope }),
    response: z.object({
      place: NodeView.describe('The top of the owner chain'),
      facts: z
        .array(z.object({ code: z.enum(factCodes), text: z.string(), evidence: z.array(StepEvidence), fix: Fix.nullable() }))
        .describe('What is not listed was not found in the records, which is not “does not hold”'),
      freshness,
    }),
    run: async ({ falconer, query: { node: text, scope: within } }) => {
      const entity = await findNode(falconer, text, within)
      const { place, facts } = await placeFacts(falconer.db, entity)
      return { place: nodeView(place), facts, freshness: await graphFreshness(falconer, { scope: place.scope, atNs: null }) }
    },
  }),
  operation({
    id: 'getGraphView',
    method: 'GET',
    path: '/graph/view',
    permission: 'graph.read',
    summary: 'A part of the graph to be drawn: around a node, or an incident with ways in and on and what its alerts saw',
    query: z.object({ node: node.optional(), incident: z.string().max(64).optional(), scope, asOf, depth: limit(3, 1) }),
    response: GraphView,
    run: async ({ falconer, query: { node: text, incident, scope: within, asOf: atNs = null, depth } }) => {
      if ((text === undefined) === (incident === undefined)) throw new InputError('Give either a node or an incident.')
      return graphView(falconer, text === undefined ? { incident: incident ?? '' } : { node: text, scope: within }, { depth, atNs })
    },
  }),
  operation({
    id: 'findAttackPaths',
    method: 'GET',
    path: '/graph/paths',
    permission: 'graph.read',
    summary: 'The cheapest ways from one thing to another, step by step with techniques and evidence',
    query: z.object({ ...between, k: limit(100, 10) }),
    response: z.object({
      paths: z.array(PathView).describe('Cheapest first; none: none is known, see freshness'),
      complete: z.boolean().describe('False: the work allowed was used up before all of the k were found'),
      freshness,
    }),
    run: async ({ falconer, query }) => {
      const question = await pathQuestion(falconer, query)
      const paths = question === null ? { paths: [], complete: true } : await attackPaths(falconer.db, falconer.graph, question)
      return {
        paths: paths.paths.map(pathView),
        complete: paths.complete,
        freshness: await graphFreshness(falconer, { scope: query.scope, atNs: query.asOf ?? null }),
      }
    },
  }),
  operation({
    id: 'findChokePoints',
    method: 'GET',
    path: '/graph/choke-points',
    permission: 'graph.read',
    summary: 'Which single change takes the most attack paths away: targets that can be reached no more, then paths among the cheapest',
    query: z.object({ ...between, k: limit(1_000, 100).describe('So many of the cheapest paths are counted in'), limit: limit(100, 20) }),
    response: z.object({
      points: z.array(
        z.object({
          fix: Fix,
          on: NodeView.nullable(),
          steps: z.number().int().describe('Steps it takes away in all'),
          targetsCutOff: z.number().int(),
          pathsRemoved: z.number().int(),
        }),
      ),
      targetsReached: z.number().int().describe('Targets that can be reached as things are'),
      paths: z.number().int(),
      complete: z.boolean().describe('False: the work allowed was used up; other changes may do as much'),
      freshness,
    }),
    run: async ({ falconer, query: { limit: most, ...query } }) => {
      const question = await pathQuestion(falconer, query)
      const found =
        question === null
          ? { points: [], targetsReached: 0, paths: 0, complete: true }
          : await namedChokePoints(falconer.db, falconer.graph, question, most)
      return {
        ...found,
        points: found.points.map((point) => ({ ...point, on: point.on === null ? null : nodeView(point.on) })),
        freshness: await graphFreshness(falconer, { scope: query.scope, atNs: query.asOf ?? null }),
      }
    },
  }),
]

type Between = { from: string; to?: string; goal?: PathGoal[]; scope?: string; asOf?: bigint; k: number; maxSteps: number }
/** Null: nothing is known to be reachable from the internet. */
async function pathQuestion(falconer: Falconer, { from, to, goal, scope: within, asOf, ...rest }: Between): Promise<PathQuestion | null> {
  await deriveFirst(falconer)
  const start = from === 'internet' ? await internetNode(falconer.db) : await findNode(falconer, from, within)
  if (start === undefined) return null
  const target = to === undefined ? undefined : await findNode(falconer, to, within)
  const goals = goal ?? pathGoals
  return {
    ...rest,
    atNs: asOf ?? null,
    from: [start.id],
    to: target === undefined ? { goals, ...(within === undefined ? {} : { scope: within }) } : { ids: [target.id] },
  }
}

/** What belongs to no cluster is known from all. */
const scopeOf = ({ scope: one }: { scope: string }): string | undefined => (one === 'global' ? undefined : one)
