/**
 * How a made Kubernetes estate is laid out: which rows are what, and how one thing finds the others. All is a function of a row’s number, so the same
 * scale is the same estate. Scale 1 has 112,604 entities and 658,838 relations, scale 10 has 1,071,338 and 6,618,153, as when the shapes were chosen.
 */

/** Of scale 1; packages are what is then missing. */
const perScale = {
  node: 600,
  namespace: 400,
  workload: 9_000,
  pod: 27_000,
  container: 36_000,
  image: 3_000,
  service_account: 6_000,
  role: 2_000,
  role_binding: 4_000,
  secret: 4_800,
  service: 4_000,
  ingress: 500,
  identity: 300,
  network_policy: 400,
} as const
const fixed = { internet: 1, cluster: 1, cloud_account: 3 } as const
export type EstateKind = keyof typeof perScale | keyof typeof fixed | 'package'
/** Things of a kind are numbered from 0; their row is `first` + number. */
export type Estate = {
  scale: number
  first: Record<EstateKind, number>
  count: Record<EstateKind, number>
  entities: number
  relations: number
  nowNs: bigint
}
export const scope = 'bench'

export function layOut(scale: number): Estate {
  const large = scale >= 10
  const entities = Math.round((large ? 107_133.8 : 112_604) * scale)
  const relations = Math.round((large ? 661_815.3 : 658_838) * scale)
  const scaled = Object.entries(perScale).map(([kind, count]) => [kind, Math.max(2, Math.floor(count * scale))] as const)
  const counted = [...Object.entries(fixed), ...scaled]
  const rest = entities - counted.reduce((sum, [, count]) => sum + count, 0)
  const count = Object.fromEntries([...counted, ['package', rest]]) as Record<EstateKind, number>
  let next = 1
  const first = Object.fromEntries(
    Object.entries(count).map(([kind, many]) => {
      next += many
      return [kind, next - many]
    }),
  ) as Record<EstateKind, number>
  return { scale, first, count, entities, relations, nowNs: BigInt(Date.now()) * 1_000_000n }
}

/** A whole number below `below`, from the number in `of`. */
export const drawn = (of: string, salt: number, below: number): string =>
  `((hashint8extended((${of})::bigint, ${salt}) & 9223372036854775807) % ${below})`
export const namespaceOf = ({ count }: Estate, of: string): string => `((${of}) % ${count.namespace})`
/** The `place`-th (drawn) of a kind in the namespace of this number. */
export const inNamespace = ({ count }: Estate, kind: EstateKind, namespace: string, of: string, salt: number): string =>
  `(${namespace} + ${count.namespace} * ${drawn(of, salt, Math.max(1, Math.floor(count[kind] / count.namespace)))})`
export const workloadOfPod = ({ count }: Estate, of: string): string => `((${of}) % ${count.workload})`
export const nodeOfPod = ({ count }: Estate, of: string): string => drawn(of, 7, count.node)
export const isPrivileged = (workload: string): string => `(${workload}) % 33 = 7`
