/**
 * A part of the graph to be looked at: what stands around an entity or an incident, as pages, the API and the command line show it.
 * Labels, names and reasons are as records have them: untrusted. It never says that something is not there, only how much was left out.
 */
import { z } from 'zod'
import { EntityKind } from './entity.ts'

export const graphMarks = ['incident', 'entry', 'target', 'finding', 'declared', 'gone'] as const
export const GraphMark = z.enum(graphMarks)
export type GraphMark = z.infer<typeof GraphMark>

export const GraphNode = z.object({
  id: z.string(),
  kind: EntityKind,
  label: z.string().describe('What Cartography calls the kind, else our name of it'),
  scope: z.string(),
  name: z.string(),
  namespace: z.string().nullable(),
  depth: z.number().int().min(0).describe('Steps from the centre'),
  marks: z.array(GraphMark).describe('declared: a manifest says so and no cluster reported it; gone: it went before the time looked at'),
  detail: z.string().nullable(),
  href: z.string().nullable().describe('Where its record is, a path of this server'),
})
export type GraphNode = z.infer<typeof GraphNode>

export const graphEdgeKinds = ['relation', 'step', 'finding', 'alert'] as const
export const GraphEdgeKind = z.enum(graphEdgeKinds)
export type GraphEdgeKind = z.infer<typeof GraphEdgeKind>

export const GraphEdge = z.object({
  from: z.string(),
  to: z.string(),
  type: z.string(),
  title: z.string().describe('In words: "runs as"'),
  kind: GraphEdgeKind,
  count: z.number().int().min(1),
  because: z.string().nullable(),
})
export type GraphEdge = z.infer<typeof GraphEdge>

export const GraphView = z.object({
  title: z.string(),
  centre: z.array(z.string()).describe('Ids of the nodes it was asked about'),
  nodes: z.array(GraphNode),
  edges: z.array(GraphEdge),
  more: z.number().int().min(0).describe('How many nodes were left out'),
  asOf: z.string().nullable().describe('The time looked at; null: now'),
  freshness: z.string().describe('How old what it stands on is, in a sentence'),
})
export type GraphView = z.infer<typeof GraphView>
