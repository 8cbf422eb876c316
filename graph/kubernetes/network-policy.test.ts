import { expect, it } from 'vitest'
import { type Json, named, worldOf } from '../../test/support/graph-world.ts'
import { holdsPrivate, holdsPublic, isPrivateAddress } from './addresses.ts'
import { isAnyPod, isolation, isOutside, namespacesOf } from './network-policy.ts'
import { selects } from './selection.ts'

const pod = named('Pod', 'web', {
  metadata: { name: 'web', namespace: 'default', uid: 'uid-web', labels: { app: 'web', tier: 'front' } },
  spec: { containers: [{ name: 'app', image: 'a', ports: [{ containerPort: 8080, name: 'http' }] }] },
})
const http = { port: 8080, name: 'http', protocol: 'TCP' }
const policy = (name: string, spec: Json): Json => named('NetworkPolicy', name, { spec })
const world = (...policies: Json[]) =>
  worldOf([pod, ...policies, { kind: 'Namespace', metadata: { name: 'ops', uid: 'u', labels: { team: 'ops' } } }])
const seen = (direction: 'ingress' | 'egress', ...policies: Json[]): string => {
  const made = world(...policies)
  const [place] = made.places
  if (place === undefined) throw new Error('no place')
  const { by, peers } = isolation(made, place, direction, [http])
  if (by.length === 0) return 'open'
  return (
    [
      ...new Set(
        peers.map((peer) => (isOutside(peer) ? 'outside' : isAnyPod(peer) ? 'any pod' : namespacesOf(peer, made).join('+') || 'nobody')),
      ),
    ].join(' ') || 'closed'
  )
}
const own = { matchLabels: { app: 'web' } }

it.each<[string, 'ingress' | 'egress', Json[], string]>([
  ['no policy', 'ingress', [], 'open'],
  ['one for others', 'ingress', [policy('a', { podSelector: { matchLabels: { app: 'db' } } })], 'open'],
  ['one without rules', 'ingress', [policy('a', { podSelector: {} })], 'closed'],
  ['an empty rule', 'ingress', [policy('a', { podSelector: own, ingress: [{}] })], 'outside'],
  ['one of egress only', 'ingress', [policy('a', { podSelector: {}, policyTypes: ['Egress'] })], 'open'],
  ['one of ingress, asked of egress', 'egress', [policy('a', { podSelector: {} })], 'open'],
  [
    'one that says nothing of types and has egress',
    'egress',
    [policy('a', { podSelector: {}, egress: [{ to: [{ podSelector: {} }] }] })],
    'default',
  ],
  ['its own port by number', 'ingress', [policy('a', { podSelector: own, ingress: [{ ports: [{ port: 8080 }] }] })], 'outside'],
  ['its own port by name', 'ingress', [policy('a', { podSelector: own, ingress: [{ ports: [{ port: 'http' }] }] })], 'outside'],
  [
    'a range over its port',
    'ingress',
    [policy('a', { podSelector: own, ingress: [{ ports: [{ port: 8000, endPort: 9000 }] }] })],
    'outside',
  ],
  [
    'a range below its port',
    'ingress',
    [policy('a', { podSelector: own, ingress: [{ ports: [{ port: 8000, endPort: 8079 }] }] })],
    'closed',
  ],
  ['another protocol', 'ingress', [policy('a', { podSelector: own, ingress: [{ ports: [{ port: 8080, protocol: 'UDP' }] }] })], 'closed'],
  ['another port', 'ingress', [policy('a', { podSelector: own, ingress: [{ ports: [{ port: 9090 }] }] })], 'closed'],
  ['any address', 'ingress', [policy('a', { podSelector: own, ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] })], 'outside'],
  [
    'any but all',
    'ingress',
    [policy('a', { podSelector: own, ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['0.0.0.0/1', '128.0.0.0/1'] } }] }] })],
    'nobody',
  ],
  [
    'private addresses',
    'ingress',
    [policy('a', { podSelector: own, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] })],
    'any pod',
  ],
  ['neighbours', 'ingress', [policy('a', { podSelector: own, ingress: [{ from: [{ podSelector: {} }] }] })], 'default'],
  ['every namespace', 'ingress', [policy('a', { podSelector: own, ingress: [{ from: [{ namespaceSelector: {} }] }] })], 'any pod'],
  [
    'one namespace by label',
    'ingress',
    [policy('a', { podSelector: own, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'ops' } } }] }] })],
    'ops',
  ],
  [
    'one namespace by name',
    'ingress',
    [
      policy('a', {
        podSelector: own,
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ops' } } }] }],
      }),
    ],
    'ops',
  ],
  [
    'no namespace there is',
    'ingress',
    [policy('a', { podSelector: own, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'x' } } }] }] })],
    'nobody',
  ],
  ['a peer that is nothing', 'ingress', [policy('a', { podSelector: own, ingress: [{ from: [{}] }] })], 'closed'],
  ['two together', 'ingress', [policy('a', { podSelector: {} }), policy('b', { podSelector: own, ingress: [{}] })], 'outside'],
])('%s', (_what, direction, policies, expected) => {
  expect(seen(direction, ...policies)).toBe(expected)
})

it('holds for nothing on the network of its node', () => {
  const made = worldOf([
    { ...pod, spec: { hostNetwork: true, containers: [{ name: 'app', image: 'a' }] } },
    policy('a', { podSelector: {} }),
  ])
  expect(made.places.map((place) => isolation(made, place, 'ingress').by)).toEqual([[]])
})

it.each<[Json, boolean]>([
  [{}, true],
  [{ matchLabels: { app: 'web' } }, true],
  [{ matchLabels: { app: 'web', tier: 'back' } }, false],
  [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, true],
  [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
  [{ matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['web'] }] }, true],
  [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
  [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
  [{ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false],
  [{ matchExpressions: [{ key: 'app', operator: 'Gt', values: ['1'] }] }, false],
  [{ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['back'] }] }, false],
])('selector %j selects it: %s', (selector, expected) => {
  expect(selects(selector, { app: 'web', tier: 'front' })).toBe(expected)
})

it.each<[string, string[], boolean | null, boolean]>([
  ['0.0.0.0/0', [], true, true],
  ['10.0.0.0/8', [], false, true],
  ['10.0.0.0/7', [], true, true],
  ['203.0.113.7/32', [], true, false],
  [
    '0.0.0.0/0',
    ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8', '0.0.0.0/8'],
    true,
    false,
  ],
  ['::/0', [], true, true],
  ['fd00::/8', [], false, true],
  ['2001:db8::/32', ['2001:db8::/33', '2001:db8:8000::/33'], false, false],
  ['::ffff:10.0.0.1/128', [], true, false],
  ['10.0.0.0/33', [], null, false],
  ['somewhere', [], null, false],
])('%s without %j has a public address: %s, a private one: %s', (cidr, except, outside, inside) => {
  expect([holdsPublic(cidr, except), holdsPrivate(cidr, except)]).toEqual([outside, inside])
})

it('a name is no private address', () => {
  expect(['10.1.2.3', '8.8.8.8', 'fe80::1', 'lb.example'].map(isPrivateAddress)).toEqual([true, false, true, false])
})
