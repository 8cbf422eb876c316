import { expect, it } from 'vitest'
import { type Json, named, worldOf } from '../test/support/graph-world.ts'
import { type FactCode, factsOf } from './facts.ts'
import type { World } from './world.ts'

const labels = { app: 'web' }
const web = (spec: Json = {}): Json => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', uid: 'uid-web', creationTimestamp: '2026-08-01T00:00:00Z' },
  spec: {
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: 'web',
        containers: [{ name: 'app', image: 'web:1', ports: [{ containerPort: 8080, name: 'http' }] }],
        ...spec,
      },
    },
  },
})
const service = (spec: Json, over: Json = {}): Json =>
  named('Service', 'web', { spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }], ...spec }, ...over })
const annotated = (object: Json, annotations: Json): Json => ({ ...object, metadata: { ...(object.metadata as Json), annotations } })
const ingress = (over: Json = {}): Json =>
  named('Ingress', 'web', {
    spec: {
      rules: [{ host: 'web.example', http: { paths: [{ path: '/', backend: { service: { name: 'web', port: { number: 80 } } } }] } }],
      ...over,
    },
  })
const policy = (from: Json[] | null): Json =>
  named('NetworkPolicy', 'np', { spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: from === null ? [] : [{ from }] } })
const said = (code: FactCode, objects: Json[], weaknesses?: World['weaknesses']): string[] => {
  const world = worldOf(objects, 'default', weaknesses)
  return world.places.flatMap((place) => factsOf(world, place).flatMap((fact) => (fact.code === code ? [fact.text] : [])))
}
const loadBalancer = (ip: string): Json => service({ type: 'LoadBalancer' }, { status: { loadBalancer: { ingress: [{ ip }] } } })

it.each<[string, Json[], number]>([
  ['a ClusterIP service', [service({})], 0],
  ['a LoadBalancer', [service({ type: 'LoadBalancer' })], 1],
  ['a LoadBalancer at a public address', [loadBalancer('8.8.8.8')], 1],
  ['a LoadBalancer at a private address', [loadBalancer('10.0.0.9')], 0],
  [
    'a LoadBalancer for the own network',
    [annotated(service({ type: 'LoadBalancer' }), { 'service.beta.kubernetes.io/aws-load-balancer-internal': 'true' })],
    0,
  ],
  [
    'a LoadBalancer that is told not to be',
    [annotated(service({ type: 'LoadBalancer' }), { 'service.beta.kubernetes.io/aws-load-balancer-internal': 'false' })],
    1,
  ],
  ['a LoadBalancer for private ranges', [service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8'] })], 0],
  ['a NodePort', [service({ type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] })], 1],
  ['external addresses', [service({ externalIPs: ['203.0.113.7'] })], 1],
  ['external addresses nobody outside has', [service({ externalIPs: ['10.0.0.7'] })], 0],
  ['a service for others', [service({ type: 'NodePort', selector: { app: 'db' } })], 0],
  ['a service whose port no container has', [service({ type: 'NodePort', ports: [{ port: 80, targetPort: 'admin' }] })], 0],
  ['a service without selector', [service({ type: 'NodePort', selector: {} })], 0],
  ['an ingress', [service({}), ingress()], 1],
  ['an ingress to a service that is not there', [ingress()], 0],
  ['an ingress of the AWS controller', [service({}), ingress({ ingressClassName: 'alb' })], 0],
  [
    'an ingress of the AWS controller, facing the internet',
    [service({}), annotated(ingress({ ingressClassName: 'alb' }), { 'alb.ingress.kubernetes.io/scheme': 'internet-facing' })],
    1,
  ],
  ['a LoadBalancer and a policy that lets nobody in', [service({ type: 'LoadBalancer' }), policy(null)], 0],
  ['a LoadBalancer and a policy for neighbours', [service({ type: 'LoadBalancer' }), policy([{ podSelector: {} }])], 0],
  [
    'a LoadBalancer and a policy for any address',
    [service({ type: 'LoadBalancer' }), policy([{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }])],
    1,
  ],
  [
    'an ingress and a policy for its controller',
    [service({}), ingress(), policy([{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }])],
    1,
  ],
  ['an ingress and a policy for neighbours', [service({}), ingress(), policy([{ podSelector: {} }])], 0],
])('exposed or not: %s', (_what, objects, expected) => {
  expect(said('internet_reachable', [web(), ...objects])).toHaveLength(expected)
})

it('a port of its node, its own or of its network, makes it reachable', () => {
  const ports = [{ containerPort: 8080, hostPort: 80 }]
  expect(said('internet_reachable', [web({ containers: [{ name: 'app', image: 'a', ports }] })])).toEqual([
    'Deployment default/web listens on port 80 of its node',
  ])
  expect(said('internet_reachable', [web({ hostNetwork: true }), policy(null)])).toHaveLength(1)
  expect(said('internet_reachable', [web({ containers: [{ name: 'app', image: 'a', ports }] }), policy(null)])).toEqual([])
})

it('rights count with the token only', () => {
  const admin = named('ClusterRoleBinding', 'admins', {
    roleRef: { kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'web', namespace: 'default' }],
  })
  expect(said('cluster_admin', [web(), admin])).toEqual([
    'ServiceAccount default/web has ClusterRole cluster-admin (ClusterRoleBinding admins), and so may do everything in the cluster',
  ])
  expect(said('token_mounted', [web()])).toEqual(['Deployment default/web has the token of ServiceAccount default/web in it'])
  const without = [web({ automountServiceAccountToken: false }), admin]
  expect([said('cluster_admin', without), said('token_not_mounted', without)]).toEqual([
    [],
    ['Deployment default/web has no token of ServiceAccount default/web in it'],
  ])
})

it('what its groups may is its own', () => {
  const all = named('ClusterRoleBinding', 'all', {
    roleRef: { kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'Group', name: 'system:serviceaccounts:default' }],
  })
  expect(said('reads_secrets', [web(), all])).toHaveLength(1)
})

it('an account with a cloud role, and what is only known of images', () => {
  const account = annotated(named('ServiceAccount', 'web'), { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/web' })
  expect(said('cloud_role', [web(), account])).toEqual([
    'Deployment default/web runs as ServiceAccount default/web, which may be arn:aws:iam::1:role/web',
  ])
  expect(said('not_scanned', [web()])).toEqual(['no scanner has looked at its images (web:1)'])
  expect(said('no_flaw_known', [web()], () => [])).toHaveLength(1)
  const flaw = { finding: 'f', check: 'CVE-2021-44228', package: 'log4j', kev: true, epss: 0.97, cvss: 10, fixedIn: [] }
  expect(said('flaw_known_exploited', [web()], () => [flaw])).toEqual(['CVE-2021-44228 in log4j is known to be exploited'])
  expect(said('flaw_over_network', [web()], () => [{ ...flaw, kev: false }])).toEqual(['CVE-2021-44228 in log4j is known'])
})

it('a policy isolates, and says whom it lets in; none is said as none recorded', () => {
  expect(said('isolated', [web(), policy(null)])).toEqual(['NetworkPolicy np selects Deployment default/web and lets in nobody'])
  expect(said('reachable_in_cluster', [web()])).toEqual([
    'Deployment default/web listens on 8080 and no recorded network policy selects it',
  ])
})

it('every fact names a field of a record or a finding', () => {
  const world = worldOf([web({ hostPID: true, hostNetwork: true }), service({ type: 'NodePort' }), policy(null)])
  const facts = world.places.flatMap((place) => factsOf(world, place))
  expect(facts.length).toBeGreaterThan(4)
  for (const { evidence } of facts) expect(evidence.length).toBeGreaterThan(0)
})
