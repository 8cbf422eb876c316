/** What is known of the posture of an incident's places: who looked, what is still open there, how it is reached and where it leads. Read by read-posture.ts. */
import type { Entity } from '../domain/entity.ts'
import type { AttackStep } from '../domain/graph.ts'
import type { InUse } from '../domain/in-use.ts'
import type { FindingFacts, Look } from '../store/finding-facts.ts'

/** An image, or an object of the cluster, that a scanner may have looked at. `looks` empty: none has, as far as reports say. */
export type Looked = { title: string; kind: 'image' | 'object'; looks: Omit<Look, 'key'>[] }
export type PostureCoverage = {
  looked: Looked[]
  /** Alerts of which inventory does not say which image they came from. */ withoutImage: number
  /** Attack steps: parts of the cluster that are still to be derived, and when the rest was. `derivedAt` null: never. */
  waiting: number
  derivedAt: Date | null
}

/** `at`: entity ids of the incident's own places that it is about. `use`: of a flaw of a package, whether that was seen in use. */
export type PlacedFinding = { finding: FindingFacts; at: bigint[]; use: InUse | null }
/** Steps one after the other, the first from the internet, the last into one of the incident's places. */
export type WayIn = AttackStep[]
/** What follows from the places: each thing once, by the step that reaches it first. */
export type Reached = { entity: Entity; depth: number; by: AttackStep }

export type IncidentPosture = {
  findings: PlacedFinding[]
  waysIn: WayIn[]
  /** Out of the incident's places, and of the accounts they run as. */ steps: { step: AttackStep; at: bigint[] }[]
  reached: Reached[]
  /** More was reached than was followed. */ reachedMore: boolean
  coverage: PostureCoverage
}

export const unknownPosture: IncidentPosture = {
  findings: [],
  waysIn: [],
  steps: [],
  reached: [],
  reachedMore: false,
  coverage: { looked: [], withoutImage: 0, waiting: 0, derivedAt: null },
}
