/** How the API shows nodes, relations, steps and paths of the graph. */
import { z } from 'zod'
import type { Entity } from '../../../../domain/entity.ts'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { type AttackStep, StepFacts } from '../../../../domain/graph.ts'
import { type NamedNode, namedNode } from '../../../../graph/ask.ts'
import type { AttackPath } from '../../../../graph/paths.ts'
import type { Edge } from '../../../../store/graph.ts'
import { time } from './fields.ts'

export const NodeView = z.object({
  id: z.string(),
  kind: z.string(),
  label: z.string().describe('As Cartography calls it, else our kind'),
  title: z.string(),
  scope: z.string(),
  name: z.string(),
  namespace: z.string().nullable(),
  derived: z.boolean().describe('No collector reports it; nothing may act on it'),
  declaredOnly: z.boolean().describe('A manifest says so; no cluster reported it'),
  gone: z.boolean(),
})
export const NodeAtView = NodeView.extend({ depth: z.number().int() })
export function nodeView(node: NamedNode | Entity): z.infer<typeof NodeView> {
  const { id, ...rest } = 'title' in node ? node : namedNode(node)
  return { ...NodeView.omit({ id: true }).parse(rest), id: id.toString() }
}

export const EdgeView = z.object({
  from: z.string(),
  type: z.string(),
  to: z.string(),
  firstAt: time,
  lastAt: time,
  witnesses: z.array(z.string()).describe('The sources that say so'),
  properties: z.record(z.string(), z.unknown()).nullable(),
})
export const edgeView = ({ src, type, dst, firstNs, lastNs, witnesses, properties }: Edge): z.infer<typeof EdgeView> => ({
  from: src.toString(),
  type,
  to: dst.toString(),
  firstAt: formatEventTime(firstNs),
  lastAt: formatEventTime(lastNs),
  witnesses,
  properties,
})

export const StepView = StepFacts.extend({
  from: z.string(),
  type: z.string(),
  to: z.string(),
  cost: z.number().int(),
  since: time,
  until: time.nullable(),
})
export const stepView = ({
  src,
  dst,
  type,
  cost,
  fromNs,
  untilNs,
  technique,
  precondition,
  because,
  evidence,
  fix,
}: AttackStep): z.infer<typeof StepView> => ({
  from: src.toString(),
  type,
  to: dst.toString(),
  cost,
  since: formatEventTime(fromNs),
  until: untilNs === null ? null : formatEventTime(untilNs),
  technique,
  precondition,
  because,
  evidence,
  fix,
})

export const PathView = z.object({
  cost: z.number().int(),
  nodes: z.array(NodeView),
  steps: z.array(StepView.extend({ others: z.number().int().describe('How many other ways of the same move there are') })),
})
export const pathView = ({ cost, nodes, steps }: AttackPath): z.infer<typeof PathView> => ({
  cost,
  nodes: nodes.map(nodeView),
  steps: steps.map((step) => ({ ...stepView(step), others: step.others })),
})
