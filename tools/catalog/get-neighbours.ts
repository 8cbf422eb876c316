import { z } from 'zod'
import { relationTypes } from '../../domain/entity.ts'
import { neighbourhood } from '../../graph/ask.ts'
import { deriveFirst, graphFreshness } from '../../graph/asked.ts'
import type { Edge } from '../../store/graph.ts'
import { fitting, More } from '../page.ts'
import { quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { minuteOf } from '../views/finding.ts'
import { briefly, Freshness } from '../views/freshness.ts'
import { asOfInput, clusterInput, nodeInput, nodeOf, NodeRow, nodeRow, scopeAround, StepRow, stepRow } from '../views/graph.ts'
import { Detail } from '../views/given.ts'

/** What stands around a node: relations that collectors saw, and attack steps derived from them. */
export const getNeighboursTool = tool({
  name: 'get_neighbours',
  toolset: 'graph',
  title: 'Get neighbours',
  description:
    'What stands around one thing: who owns it, where it runs, which image, account and secrets it uses, what routes to it, and single attack steps among these. Use it to walk the graph. Not for how far an intruder gets (get_blast_radius) nor for whole ways (find_attack_paths). Example: {"entity":"pod/shop/checkout-7d9f-aaaaa","types":["USES_IMAGE","RUNS_ON"]}',
  input: z.object({
    entity: nodeInput,
    cluster: clusterInput,
    asOf: asOfInput,
    depth: z.number().int().min(1).max(3).default(1),
    types: z.array(z.enum(relationTypes)).min(1).optional().describe('Only along these relations, and no attack steps'),
    limit: z.number().int().min(1).max(100).default(15),
    detail: Detail.describe('full: who witnesses each relation since when, and the fix of each step'),
  }),
  output: z.object({
    nodes: z.array(NodeRow).describe('Nearest first; the thing itself at depth 0'),
    relations: z.array(z.string().regex(/^\d+ [A-Z_]+ \d+/)).describe('“id TYPE id”'),
    steps: z.array(StepRow),
    more: More,
    freshness: Freshness,
  }),
  access: 'read',
  permission: 'graph.read',
  listed: true,
  run: async ({ entity, cluster, asOf, depth, types, limit, detail }, context) => {
    const atNs = asOf ?? null
    await deriveFirst(context)
    const centre = await nodeOf(context, entity, cluster)
    const found = await neighbourhood(context.db, [centre.id], { depth, limit, atNs, ...(types === undefined ? {} : { types }) })
    const full = detail === 'full'
    const share = full ? 6_000 : 1_000
    const nodes = fitting(found.nodes.map(nodeRow), share * 2.4)
    const kept = new Set(nodes.map(({ id }) => id))
    const among = <T extends { src: bigint; dst: bigint }>(all: readonly T[]): T[] =>
      all.filter(({ src, dst }) => kept.has(src.toString()) && kept.has(dst.toString()))
    const [relations, steps] = [among(found.relations), among(found.steps)]
    const [toldRelations, toldSteps] = [
      fitting(
        relations.map((one) => relationText(one, full)),
        share,
      ),
      fitting(
        steps.map((one) => stepRow(one, full)),
        share * 1.4,
      ),
    ]
    const left = [
      ...(found.more || nodes.length < found.nodes.length ? ['There are more nodes'] : []),
      ...(toldRelations.length < relations.length ? [`${relations.length - toldRelations.length} more relations`] : []),
      ...(toldSteps.length < steps.length ? [`${steps.length - toldSteps.length} more steps`] : []),
    ]
    return {
      nodes,
      relations: toldRelations,
      steps: toldSteps,
      more: left.length === 0 ? null : `${left.join(', ')}; narrow by types or depth`,
      freshness: briefly(await graphFreshness(context, { scope: scopeAround(centre, cluster), atNs })),
    }
  },
})

const relationText = ({ src, type, dst, firstNs, lastNs, witnesses }: Edge, full: boolean): string =>
  `${src} ${type} ${dst}${full ? ` (${minuteOf(firstNs)} to ${minuteOf(lastNs)}, by ${witnesses.map((name) => quote(name, 60)).join(', ')})` : ''}`
