/** The contract of a step rule: one way to get from one thing to the next, found in records. One file each in steps/; the file's name is the step's type. */
import type { NewStep, Technique } from '../domain/graph.ts'
import type { World } from './world.ts'

/** Raised whenever steps come out differently for the same records: what was derived before is derived again. */
export const graphVersion = '2'

/** Part of an estate that steps are derived from together: a namespace, the cluster's roles and bindings, its nodes, its cloud. */
export type UnitKind = 'namespace' | 'access' | 'nodes' | 'cloud'

/** A step as its rule yields it. */
export type Step = Omit<NewStep, 'type' | 'technique'>

export interface StepRule {
  /** The file's name: "escape-privileged". */
  readonly name: string
  /** "Escape through a privileged container" */
  readonly title: string
  readonly technique: Technique
  readonly unit: UnitKind
  /** Cost of a step: 0 follows by itself, 1 a known way that needs no flaw, 2 a flaw known to be exploited, 3 a known flaw, 4 a flaw that nobody has shown. */
  steps(world: World): Iterable<Step>
}
