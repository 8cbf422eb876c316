import { z } from 'zod'
import { blast } from '../../graph/ask.ts'
import { deriveFirst, graphFreshness } from '../../graph/asked.ts'
import { fitting, More, moreText } from '../page.ts'
import { tool } from '../tool.ts'
import { briefly, Freshness } from '../views/freshness.ts'
import { asOfInput, clusterInput, nodeInput, nodeOf, NodeRow, nodeRow, scopeAround } from '../views/graph.ts'

/** What someone who has this could take next. */
export const getBlastRadiusTool = tool({
  name: 'get_blast_radius',
  toolset: 'graph',
  title: 'Get blast radius',
  description:
    'What an intruder who has this thing could take from there: how many of each kind, and the nearest by name. Use it to say how bad a compromise is. It tells what is possible by recorded configuration, not what happened (list_alerts). For the way step by step use find_attack_paths. Example: {"entity":"pod/shop/checkout-7d9f-aaaaa","asOf":"2026-11-23"}',
  input: z.object({
    entity: nodeInput,
    cluster: clusterInput,
    asOf: asOfInput,
    depth: z.number().int().min(1).max(12).default(6).describe('Most attack steps'),
    limit: z.number().int().min(1).max(200).default(15),
  }),
  output: z.object({
    from: NodeRow,
    counts: z.array(z.object({ kind: z.string(), count: z.number(), nearest: z.number().describe('Steps to the first of them') })),
    nodes: z.array(NodeRow).describe('Nearest first'),
    more: More,
    freshness: Freshness,
  }),
  access: 'read',
  permission: 'graph.read',
  listed: true,
  run: async ({ entity, cluster, asOf, depth, limit }, context) => {
    const atNs = asOf ?? null
    await deriveFirst(context)
    const from = await nodeOf(context, entity, cluster)
    const found = await blast(context.db, [from.id], { depth, limit, atNs })
    const nodes = fitting(found.nodes.map(nodeRow), limit > 15 ? 12_000 : 3_200)
    const total = found.counts.reduce((sum, { count }) => sum + count, 0)
    return {
      from: nodeRow(from),
      counts: found.counts.map(({ kind, count, depth: nearest }) => ({ kind, count, nearest })),
      nodes,
      more: moreText(Math.max(0, total - nodes.length), 'narrow by depth, or raise limit'),
      freshness: briefly(await graphFreshness(context, { scope: scopeAround(from, cluster), atNs })),
    }
  },
})
