import { describe, expect, it } from 'vitest'
import { isEveryOf, type NewStep } from '../domain/graph.ts'
import { badPods, shapesOf } from '../test/support/bad-pods.ts'
import { allSteps, type Json, named } from '../test/support/graph-world.ts'

/** What anyone in a pod has without any of it being allowed: the cluster’s network and, unless they are taken away, a token and packets to forge. */
const usual = ['account-token', 'join-network', 'spoof-neighbours']
const outOf = (steps: readonly NewStep[], kinds: readonly string[]): NewStep[] =>
  steps.filter(({ from }) => kinds.includes(from.kind) && !isEveryOf(from))
const waysOf = (steps: readonly NewStep[]): string[] =>
  [...new Set(outOf(steps, ['pod', 'workload']).flatMap(({ type, to }) => (usual.includes(type) ? [] : [`${type} → ${endOf(to)}`])))].sort()
const endOf = (to: NewStep['to']): string => (to.kind === 'endpoint' ? (to.key.split('/')[0] ?? '') : to.kind)

describe.each(Object.keys(badPods))('a pod with %s', (variant) => {
  const ways = badPods[variant]?.ways ?? []

  it.each(['Pod', 'Deployment', 'CronJob'])(
    'as the manifest of a %s leads out by exactly these ways, to whatever node it will run on',
    (shape) => {
      const steps = allSteps([shapesOf(variant)[shape] as Json])
      expect(waysOf(steps)).toEqual(ways)
      const toNodes = outOf(steps, ['pod', 'workload']).filter(({ type }) => !usual.includes(type))
      expect(toNodes.every(({ to }) => to.key === '-/Node/*' || /^node-[a-z]+\/-$/.test(to.key))).toBe(true)
    },
  )

  it('that runs leads to the node it runs on, shown by what it declares', () => {
    const { spec } = shapesOf(variant).Pod as { spec: Json }
    const steps = allSteps([named('Pod', 'bad', { spec: { ...spec, nodeName: 'node-1' }, status: { phase: 'Running' } })])
    expect(waysOf(steps)).toEqual(ways)
    for (const step of outOf(steps, ['pod']).filter(({ type }) => !usual.includes(type))) {
      expect(step.to.key).toMatch(/(^|\/)node-1$/)
      expect(step.technique.id).toMatch(/^T\d{4}/)
      expect(step.because).toContain('Pod default/bad')
      expect(step.evidence).toContainEqual(expect.objectContaining({ path: 'properties.node', value: 'node-1' }))
      expect(step.fix).not.toBeNull()
    }
  })
})

describe('a pod with nothing-allowed', () => {
  const { spec } = shapesOf('nothing-allowed').Pod as { spec: Json }
  const denyAll = named('NetworkPolicy', 'deny', { spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } })
  const left = (...objects: Json[]): string[] => outOf(allSteps(objects), ['pod']).map(({ type, to }) => `${type} → ${to.key}`)

  const network = 'join-network → pod-network/default'
  const traffic = 'spoof-neighbours → pod-traffic/-'
  const token = 'account-token → default/ServiceAccount/default'
  it('has left what every pod has: the network of its namespace, the token of its account, packets to forge', () => {
    expect(left(named('Pod', 'good', { spec }))).toEqual([token, network, traffic])
  })
  it('has no token when the pod or its account forbids it', () => {
    const forbidden = named('Pod', 'good', { spec: { ...spec, automountServiceAccountToken: false } })
    expect(left(forbidden)).toEqual([network, traffic])
    const account = named('ServiceAccount', 'default', { automountServiceAccountToken: false })
    expect(left(named('Pod', 'good', { spec }), account)).toEqual([network, traffic])
    const insists = named('Pod', 'good', { spec: { ...spec, automountServiceAccountToken: true } })
    expect(left(insists, account)).toEqual([token, network, traffic])
  })
  it('forges nothing when it drops its capabilities, or is not root and cannot become it', () => {
    for (const securityContext of [{ capabilities: { drop: ['ALL'] } }, { runAsUser: 1000, allowPrivilegeEscalation: false }])
      expect(left(named('Pod', 'good', { spec: { containers: [{ name: 'app', image: 'a', securityContext }] } }))).toEqual([token, network])
  })
  it('leads nowhere when it has no token, drops its capabilities, and a policy keeps it in', () => {
    const containers = [{ name: 'app', image: 'a', securityContext: { capabilities: { drop: ['ALL'] } } }]
    expect(left(named('Pod', 'good', { spec: { containers, automountServiceAccountToken: false } }), denyAll)).toEqual([])
  })
})
