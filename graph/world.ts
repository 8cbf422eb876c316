/**
 * What step rules read: the records of one unit and what they refer to, as inventory and scanners wrote them. Nothing an alert said is in it.
 * Rules are pure functions of it: the same world gives the same steps, whatever the order its records came in.
 */
import type { Entity, EntityRef, PodProperties } from '../domain/entity.ts'
import type { ImageWeakness } from '../store/weaknesses.ts'
import type { Span } from './evidence.ts'
import type { Assumption, FailedCheck } from '../store/cloud-graph.ts'

/**
 * Where code runs and an intruder may stand: the top of a pod's owner chain, or a pod that nobody owns. `spec` is what is declared of its pods
 * (a running one's where there is one, else the template's).
 */
export type Place = {
  ref: EntityRef
  /** "Deployment shop/checkout", "Pod default/debug" */ title: string
  /** shop/Deployment/checkout: what a change to it is called by, the same for its manifest and what a cluster runs of it. */ name: string
  namespace: string
  entity: Entity
  spec: PodProperties
  /** `spec` is of this record: the newest pod, or the workload itself. */ specOf: Entity
  /** Where in `specOf` the spec stands: "properties", "properties.template". */ specPath: string
  pods: { entity: Entity; properties: PodProperties }[]
  /** Nodes its pods run on or ran on, by name, with a pod that shows it. */ nodes: ({ node: string; pod: Entity } & Span)[]
  /** It exists in a manifest only: no cluster reported it. */ declaredOnly: boolean
} & Span

/** A flaw of an image that can be reached over the network; ids are of findings. */
export type Weakness = ImageWeakness

export type World = {
  scope: string
  /** Of unit "namespace/…"; null of the others. */ namespace: string | null
  places: Place[]
  services: Entity[]
  ingresses: Entity[]
  policies: Entity[]
  accounts: Entity[]
  secrets: Entity[]
  nodes: Entity[]
  roles: Entity[]
  bindings: Entity[]
  /** Every namespace's labels: network policies select by them. */ namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Its own namespace’s annotations. */ annotations?: Readonly<Record<string, string>>
  identities: Entity[]
  cloud: Entity[]
  /** Of unit "cloud": identities that were taken, by whom. */ assumptions?: readonly Assumption[]
  /** Of unit "cloud" of scope "global": what scanners say of its identities and resources (cloud-checks.ts). */ failedChecks?: readonly FailedCheck[]
  /** Flaws of the images this place runs, easiest to exploit first; undefined: no scanner has looked at any of them, which is not "none". */
  weaknesses(place: Place): Weakness[] | undefined
}

/**
 * Of objects that others refer to by name or by labels, those that one refers to: a manifest’s own first and, where there is none of that name, what a
 * cluster reported; what a cluster reported never refers to a manifest.
 */
export function visibleTo(declaredOnly: boolean, objects: readonly Entity[]): Entity[] {
  const reported = objects.filter((one) => !isDeclaredOnly(one))
  if (!declaredOnly) return reported
  const declared = objects.filter(isDeclaredOnly)
  const names = new Set(declared.map(nameIn))
  return [...declared, ...reported.filter((one) => !names.has(nameIn(one)))]
}

export const isDeclaredOnly = ({ properties }: Entity): boolean => properties.declaredOnly === true
const nameIn = ({ kind, namespace, name }: Entity): string => `${kind}\n${namespace ?? ''}\n${name}`
