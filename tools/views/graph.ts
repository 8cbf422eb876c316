/** Nodes and steps of the graph as tools tell them, and how a model names a node: an answer it can act on when the name is not right. */
import { z } from 'zod'
import { type Entity, EntityKind } from '../../domain/entity.ts'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import type { AttackStep } from '../../domain/graph.ts'
import { type NamedNode, namedNode, nodeNamed } from '../../graph/ask.ts'
import { inventoryFreshness } from '../../store/entities.ts'
import { nodesNamed } from '../../store/graph-nodes.ts'
import { Quoted, quote } from '../quoted.ts'
import type { ToolContext } from '../tool.ts'

export const nodeInput = z.string().min(1).max(512).describe('Row id, kind/namespace/name (deployment/shop/checkout), ARN or digest')
export const clusterInput = z.string().min(1).max(253).optional().describe('Cluster or account, where a name is in several')
export const asOfInput = z.string().max(40).optional().describe('As it was then: 2026-11-25 or 2026-11-25T08:30:00Z; not given: now')
export const detailInput = z.enum(['compact', 'full']).default('compact')

export const NodeRow = z.object({
  id: z.string(),
  kind: EntityKind,
  title: Quoted,
  cluster: z.string(),
  depth: z.number().int().optional(),
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
  technique: z.string().describe('ATT&CK'),
  because: Quoted,
  cost: z.number().int().describe('0: it follows by itself; 1: a known way; 4: a flaw is needed and none is known'),
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

/** A day is its beginning, UTC; null: now. Throws InputError. */
export function momentOf(text: string | undefined): bigint | null {
  if (text === undefined) return null
  const ns = parseEventTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
  if (ns === undefined || BigInt.asIntN(64, ns) !== ns)
    throw new InputError('`asOf` must be a day or a moment from 1678 to 2262, as 2026-11-25 or 2026-11-25T08:30:00Z.')
  return ns
}

/** What belongs to no cluster is known from all. */
export const scopeAround = ({ scope }: { scope: string }, asked: string | undefined): string | undefined =>
  asked ?? (scope === 'global' ? undefined : scope)
