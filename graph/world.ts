/**
 * What step rules read: the records of one unit and what they refer to, as inventory and scanners wrote them. Nothing an alert said is in it.
 * Rules are pure functions of it: the same world gives the same steps, whatever the order its records came in.
 */
import type { Entity, EntityRef, PodProperties } from '../domain/entity.ts'

/**
 * Where code runs and an intruder may stand: the top of a pod's owner chain, or a pod that nobody owns. `spec` is what is declared of its pods
 * (a running one's where there is one, else the template's).
 */
export type Place = {
  ref: EntityRef
  /** "Deployment shop/checkout", "Pod default/debug" */ title: string
  entity: Entity
  spec: PodProperties
  /** `spec` is of this record: the newest pod, or the workload itself. */ specOf: Entity
  pods: { entity: Entity; properties: PodProperties }[]
  /** It exists in a manifest only: no cluster reported it. */ declaredOnly: boolean
  fromNs: bigint
  untilNs: bigint | null
}

/** The worst known flaw of an image that can be reached over the network; ids are of findings. */
export type Weakness = {
  finding: string
  check: string
  package: string | null
  kev: boolean
  epss: number | null
  cvss: number | null
  fixedIn: string[]
}

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
  /** Flaws of the images this place runs, easiest to exploit first; undefined: no scanner has looked at any of them, which is not "none". */
  weaknesses(place: Place): Weakness[] | undefined
}
