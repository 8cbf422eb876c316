/**
 * The attack graph: what someone who has one thing could take next. A step is derived from records (never from alert text), names its technique, what
 * must hold for it, the records that show it holds, and the one change that would take it away. A path is steps that follow each other.
 */
import { z } from 'zod'
import { type EntityKind, EntityRef } from './entity.ts'

/** What anyone on the internet has to begin with. */
export const internet: EntityRef = { scope: 'global', kind: 'internet', key: 'internet' }

/** "Every Secret of the namespace": what a right reaches that no list of names exhausts. `namespace` null: of the whole cluster. */
export const everyOf = (scope: string, kind: 'secret' | 'pod' | 'node' | 'service_account', namespace: string | null): EntityRef => ({
  scope,
  kind,
  key: `${namespace ?? '-'}/${{ secret: 'Secret', pod: 'Pod', node: 'Node', service_account: 'ServiceAccount' }[kind]}/*`,
})
/**
 * What stands between, so that steps stay as many as there are places: the network of a cluster or of a namespace’s pods, and of a node what whoever
 * shares its namespaces gets at. `of` null: the whole cluster’s network; some node, it is not known which.
 */
export const meetingPoint = (
  scope: string,
  what: 'pod-network' | 'pod-traffic' | 'node-network' | 'node-processes' | 'node-memory',
  of: string | null,
): EntityRef => ({ scope, kind: 'endpoint', key: `${what}/${of ?? '-'}` })
export const isEveryOf = ({ key }: Pick<EntityRef, 'key'>): boolean => key.endsWith('/*')

export const Technique = z.object({
  id: z.string().describe('ATT&CK: "T1611"'),
  name: z.string(),
  tactic: z.string().describe('ATT&CK tactic id'),
  matrix: z.string().nullable().describe('Kubernetes threat matrix: "MS-TA9018"; null: it has none'),
})
export type Technique = z.infer<typeof Technique>

/** A field of a record that shows a step is there. */
export const StepEvidence = z.union([
  z.object({ entity: EntityRef, path: z.string(), value: z.string().max(300) }),
  z.object({ finding: z.string().describe('Its id'), check: z.string() }),
])
export type StepEvidence = z.infer<typeof StepEvidence>

/** The one change that takes the step away; of many steps the same when one change takes them all. `key` is stable. */
export const Fix = z.object({ key: z.string().max(400), text: z.string().max(400), on: EntityRef })
export type Fix = z.infer<typeof Fix>

export const StepFacts = z.object({
  technique: Technique,
  precondition: z.string().describe('What must hold: "it is reachable and has a flaw that lets in"'),
  because: z.string().describe('Why it holds, in a sentence with names: "container app of Deployment shop/checkout is privileged"'),
  evidence: z.array(StepEvidence).min(1),
  fix: Fix.nullable(),
})
export type StepFacts = z.infer<typeof StepFacts>

export const NewStep = StepFacts.extend({
  from: EntityRef,
  type: z.string().describe('Name of the rule that derived it'),
  to: EntityRef,
  cost: z
    .number()
    .int()
    .min(0)
    .max(9)
    .describe('0: it follows by itself; 1: a known way, no flaw needed; 4: a flaw is needed and none is known'),
  fromNs: z.bigint().describe('Since when all of its evidence existed'),
  untilNs: z.bigint().nullable().describe('When the first of it was gone'),
})
export type NewStep = z.infer<typeof NewStep>

/** A stored step; `src` and `dst` are entity row ids. */
export type AttackStep = StepFacts & {
  src: bigint
  type: string
  dst: bigint
  cost: number
  scope: string
  unit: string
  fromNs: bigint
  untilNs: bigint | null
}

/** How Cartography calls the same kind, where it has it: queries and habits carry over. */
export const cartographyLabel: Readonly<Partial<Record<EntityKind, string>>> = {
  cluster: 'KubernetesCluster',
  node: 'KubernetesNode',
  namespace: 'KubernetesNamespace',
  pod: 'KubernetesPod',
  container: 'KubernetesContainer',
  service: 'KubernetesService',
  ingress: 'KubernetesIngress',
  service_account: 'KubernetesServiceAccount',
  role: 'KubernetesRole',
  role_binding: 'KubernetesRoleBinding',
  secret: 'KubernetesSecret',
  network_policy: 'KubernetesNetworkPolicy',
  image: 'Image',
  package: 'Package',
  cve: 'CVE',
  cloud_account: 'AWSAccount',
  identity: 'AWSPrincipal',
}
