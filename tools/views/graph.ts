/** Nodes and steps of the graph as tools tell them, and how a model names a node: an answer it can act on when the name is not right. */
import { z } from 'zod'
import type { Entity } from '../../domain/entity.ts'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import type { AttackStep } from '../../domain/graph.ts'
import { type NamedNode, namedNode, nodeNamed } from '../../graph/ask.ts'
import { inventoryFreshness } from '../../store/inventory-standing.ts'
import { nodesNamed } from '../../store/graph-nodes.ts'
import { Quoted, quote } from '../quoted.ts'
import type { ToolContext } from '../tool.ts'
import { GivenText, Moment } from './given.ts'

export const nodeInput = GivenText(512).describe('Row id, kind/namespace/name (deployment/shop/checkout), ARN or digest')
export const clusterInput = GivenText(253).optional().describe('Cluster or account, where a name is in several')
export const asOfInput = Moment.optional().describe('As it was then: 2026-11-25 or 2026-11-25T08:30:00Z; not given: now')

export const TechniqueId = z
  .string()
  .regex(/^T\d{4}/)
  .describe('ATT&CK')

export const NodeRow = z.object({
  id: z.string(),
  kind: z.string(),
  title: Quoted,
  cluster: z.string(),
  depth: z.number().optional(),
  derived: z.literal(true).optional().describe('No collector reports it; nothing can act on it'),
  declaredOnly: z.literal(true).optional().describe('A manifest says so; no cluster reported it'),
  gone: z.literal(true).optional(),
})
export function nodeRow(node: (NamedNode & { depth?: number }) | Entity): z.input<typeof NodeRow> {
  const named: NamedNode & { depth?: number } = 'title' in node ? node : namedNode(node)
  return {
    id: named.id.toString(),
    kind: named.kind,
    title: quote(named.title, 120),
    cluster: named.scope,
    ...(named.depth === undefined ? {} : { depth: named.depth }),
    ...(named.derived ? { derived: true } : {}),
    ...(named.declaredOnly ? { declaredOnly: true } : {}),
    ...(named.gone ? { gone: true } : {}),
  }
}

export const StepRow = z.object({
  from: z.string(),
  to: z.string(),
  technique: TechniqueId,
  because: Quoted,
  cost: z.number().describe('0: it follows by itself; 1: a known way; 4: a flaw is needed and none is known'),
  fix: Quoted.nullable().optional().describe('The one change that takes it away'),
})
export const stepRow = ({ src, dst, technique, because, cost, fix }: AttackStep, full: boolean): z.input<typeof StepRow> => ({
  from: src.toString(),
  to: dst.toString(),
  technique: technique.id,
  because: quote(because, full ? 400 : 140),
  cost,
  ...(full ? { fix: fix === null ? null : quote(fix.text, 300) } : {}),
})

const shown = (name: string): string => quote(name, 100)

/** The one node that is meant. Throws NotFoundError and InputError that name what may be meant. */
export async function nodeOf({ db }: Pick<ToolContext, 'db'>, text: string, cluster?: string): Promise<Entity> {
  try {
    return await nodeNamed(db, text, cluster, shown)
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    const clusters = (await inventoryFreshness(db)).map(({ scope }) => scope)
    if (cluster !== undefined && !clusters.includes(cluster))
      throw new InputError(
        `There is no inventory of a cluster ${shown(cluster)}. There is of: ${clusters.slice(0, 20).join(', ') || 'none, so nothing is known of what is there'}.`,
        { cause: error },
      )
    const like = await nodesNamed(db, text.split('/').at(-1) ?? text, { scope: cluster, limit: 5 })
    const others = like.map((one) => `${one.id} (${shown(namedNode(one).title)} in ${one.scope})`).join(', ')
    throw new NotFoundError(`${error.message}${others === '' ? '' : ` Of the same name there are: ${others}.`}`, { cause: error })
  }
}

/** What belongs to no cluster is known from all. */
export const scopeAround = ({ scope }: { scope: string }, asked: string | undefined): string | undefined =>
  asked ?? (scope === 'global' ? undefined : scope)
