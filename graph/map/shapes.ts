/** How a kind of thing is drawn: a shape and a colour for each family, beside the words. Only numbers of ours go into a path. */
import type { EntityKind } from '../../domain/entity.ts'

export type Family = 'run' | 'made' | 'place' | 'network' | 'access' | 'data' | 'weakness'

/** In the order of the legend. */
export const families: Readonly<Record<Family, string>> = {
  run: 'runs: workload, pod, container, process',
  made: 'is made of: image, package',
  place: 'holds others: cluster, node, namespace, account',
  network: 'network: internet, ingress, service, policy, endpoint',
  access: 'access: service account, role, binding, identity',
  data: 'data: secret, file, cloud resource',
  weakness: 'weakness: CVE, control',
}

const familyOfKind: Readonly<Record<EntityKind, Family>> = {
  cluster: 'place',
  node: 'place',
  namespace: 'place',
  cloud_account: 'place',
  workload: 'run',
  pod: 'run',
  container: 'run',
  process: 'run',
  image: 'made',
  package: 'made',
  service: 'network',
  ingress: 'network',
  network_policy: 'network',
  internet: 'network',
  endpoint: 'network',
  service_account: 'access',
  role: 'access',
  role_binding: 'access',
  identity: 'access',
  secret: 'data',
  file: 'data',
  cloud_resource: 'data',
  cve: 'weakness',
  control: 'weakness',
}
export const familyOf = (kind: EntityKind): Family => familyOfKind[kind]

/** How far inside its left and right edge a shape has room for text. */
export const familyInset: Readonly<Record<Family, number>> = { run: 4, made: 8, place: 8, network: 10, access: 10, data: 14, weakness: 6 }

/** The outline of a box from its upper left corner. */
export function outline(family: Family, x: number, y: number, width: number, height: number): string {
  const [r, b] = [x + width, y + height]
  const middle = y + height / 2
  const round = (radius: number): string =>
    `M${x + radius} ${y}H${r - radius}A${radius} ${radius} 0 0 1 ${r} ${y + radius}V${b - radius}A${radius} ${radius} 0 0 1 ${r - radius} ${b}H${x + radius}A${radius} ${radius} 0 0 1 ${x} ${b - radius}V${y + radius}A${radius} ${radius} 0 0 1 ${x + radius} ${y}Z`
  const cornersOff = (by: number): string =>
    `M${x + by} ${y}H${r - by}L${r} ${y + by}V${b - by}L${r - by} ${b}H${x + by}L${x} ${b - by}V${y + by}Z`
  switch (family) {
    case 'run':
      return round(6)
    case 'network':
      return round(height / 2)
    case 'made':
      // A corner folded over.
      return `M${x} ${y}H${r - 10}L${r} ${y + 10}V${b}H${x}ZM${r - 10} ${y}V${y + 10}H${r}`
    case 'place':
      // A frame within a frame.
      return `M${x} ${y}H${r}V${b}H${x}ZM${x + 5} ${y}V${b}M${r - 5} ${y}V${b}`
    case 'access':
      return `M${x + 8} ${y}H${r - 8}L${r} ${middle}L${r - 8} ${b}H${x + 8}L${x} ${middle}Z`
    case 'data':
      // A drum that lies on its side.
      return `M${x + 7} ${y}H${r - 7}A7 ${height / 2} 0 0 1 ${r - 7} ${b}H${x + 7}A7 ${height / 2} 0 0 1 ${x + 7} ${y}ZM${r - 7} ${y}A7 ${height / 2} 0 0 0 ${r - 7} ${b}`
    case 'weakness':
      return cornersOff(Math.min(9, height / 4))
  }
}
