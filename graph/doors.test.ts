/**
 * A broken lock with somebody at the door: the same fault is more urgent where the internet reaches it, by what record that is so is told, and most
 * urgent where an alert is too. Where no record says what reaches it, that is said.
 */
import { expect, it } from 'vitest'
import { KubernetesObject } from '../collectors/kubernetes/kubernetes.ts'
import { normaliseObject } from '../collectors/kubernetes/normalise.ts'
import { FixedClock } from '../domain/clock.ts'
import type { NewFinding } from '../domain/finding.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import { entityField } from '../incidents/record-field.ts'
import type { Database } from '../store/database.ts'
import { addRecord, emptyDelivery } from '../store/delivery.ts'
import { getEntities } from '../store/entities.ts'
import { standing } from '../store/fix-standing.ts'
import { type Fix, listFixes } from '../store/fixes.ts'
import { accept } from '../store/intake.ts'
import { eachDatabase } from '../test/support/database.ts'
import { at, type Json, named } from '../test/support/graph-world.ts'
import { delivery, newAlert } from '../test/support/records.ts'
import { deriveMarked } from './derive.ts'
import { deriveFixes } from './fix-first.ts'
import { cheapestFrom, type Next } from './fixes/risk-ways.ts'

const clock = new FixedClock(new Date(Number(at / 1_000_000n) + 60_000))

const deployment = (name: string, over: Json = {}): Json[] => {
  const labels = { app: name }
  const spec = { containers: [{ name: 'app', image: `${name}:1`, ports: [{ containerPort: 8080, name: 'http' }] }], ...over }
  return [
    { ...named('Deployment', name, { spec: { template: { metadata: { labels }, spec } } }) },
    {
      kind: 'Pod',
      metadata: {
        name: `${name}-1`,
        namespace: 'default',
        uid: `pod-${name}`,
        labels,
        creationTimestamp: '2026-08-01T00:00:00Z',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid: `uid-${name}`, controller: true }],
      },
      spec: { nodeName: 'node-1', ...spec },
      status: { phase: 'Running' },
    },
  ]
}
const service = (name: string, type: string): Json =>
  named('Service', `${name}-svc`, { spec: { type, selector: { app: name }, ports: [{ port: 80, targetPort: 'http', nodePort: 30080 }] } })
const ingress = (name: string): Json =>
  named('Ingress', `${name}-in`, {
    spec: {
      rules: [{ host: 'x.example', http: { paths: [{ path: '/', backend: { service: { name: `${name}-svc`, port: { number: 80 } } } }] } }],
    },
  })
const sealed = (name: string): Json =>
  named('NetworkPolicy', `${name}-np`, { spec: { podSelector: { matchLabels: { app: name } }, policyTypes: ['Ingress'], ingress: [] } })

/** The same fault of each. */
function fault(scope: string, name: string): NewFinding {
  const resource = { kind: 'workload' as const, scope, key: `default/Deployment/${name}`, name, namespace: 'default' }
  return {
    scope,
    class: 'misconfiguration',
    check: 'other/1',
    aliases: [],
    title: 'a lock that is broken',
    description: null,
    remediation: null,
    references: [],
    severity: 'high',
    outcome: 'fail',
    outcomeReason: null,
    resource,
    package: null,
    cvss: null,
    properties: {},
    scan: {
      scope,
      scanner: 'other',
      version: null,
      target: resource,
      covers: [],
      contentKey: Buffer.from(`${scope}${name}`).toString('hex').padEnd(64, '0').slice(-64),
      observedNs: at,
      observedFrom: 'report',
    },
    document: {},
    raw: Buffer.from('{}'),
  }
}

let scopes = 0
eachDatabase('doors', (database) => {
  async function told(db: Database, scope: string, objects: readonly Json[], receivedNs = at): Promise<void> {
    const source = { sourceId: null, sourceName: 's', scope, receivedNs }
    const given = emptyDelivery({ sourceId: null, scope, inventory: true })
    for (const object of objects)
      for (const record of normaliseObject(KubernetesObject.parse(object), { raw: object, bytes: new Uint8Array(), at: '' }, source))
        addRecord(given, record)
    await accept(db, clock, [given])
  }
  async function derive(db: Database): Promise<void> {
    while ((await deriveMarked(db, clock)).more);
    while ((await deriveFixes(db, clock)).more);
  }
  async function faults(db: Database, scope: string): Promise<Fix[]> {
    await derive(db)
    return (await listFixes(db, { scope }, { limit: 100 })).fixes.filter(({ findings }) => findings > 0)
  }
  const nameOf = ({ details }: Fix): string => details.resources[0]?.name ?? ''
  const exposure = ({ details }: Fix): Fix['details']['reasons'][number] | undefined =>
    details.reasons.find(({ code }) => /internet|door|cluster_reachable|isolated|exposure/.test(code))
  const newScope = (): string => `doors-${(scopes += 1)}`

  it('puts what the internet reaches before what it does not, says by which record, and what has an alert at its door before all', async () => {
    const [db, scope] = [database(), newScope()]
    const names = ['balanced', 'routed', 'ported', 'inner', 'hostly', 'sealed']
    await told(db, scope, [
      ...names.flatMap((name) => deployment(name, name === 'hostly' ? { hostNetwork: true } : {})),
      service('balanced', 'LoadBalancer'),
      service('ported', 'NodePort'),
      service('routed', 'ClusterIP'),
      ingress('routed'),
      service('inner', 'ClusterIP'),
      sealed('sealed'),
    ])
    await accept(db, clock, [delivery({ scope, findings: names.map((name) => fault(scope, name)) })])
    const before = await faults(db, scope)
    const by = new Map(before.map((fix) => [nameOf(fix), exposure(fix)]))
    expect(by.get('balanced')).toMatchObject({
      code: 'internet_reachable',
      text: 'reachable from the internet by Service default/balanced-svc',
      shownBy: { path: 'properties.type', value: 'LoadBalancer' },
    })
    expect(by.get('ported')?.text).toBe('reachable from the internet by Service default/ported-svc')
    expect(by.get('routed')?.text).toBe('reachable from the internet by Ingress default/routed-in to Service default/routed-svc')
    expect(by.get('hostly')?.text).toMatch(/^reachable from the internet by port \d+ of its node$/)
    expect(by.get('inner')).toMatchObject({
      code: 'internet_path',
      text: expect.stringMatching(/^attack steps lead to it from the internet by (Service|Ingress) default\/\S+, in \d+ moves$/) as string,
    })
    expect(by.get('sealed')).toMatchObject({ code: 'isolated' })
    const place = (name: string): number => before.findIndex((fix) => nameOf(fix) === name)
    for (const open of ['balanced', 'routed', 'ported']) expect(place(open)).toBeLessThan(place('inner'))
    expect(place('inner')).toBeLessThan(place('sealed'))
    // What is cited stands in that record.
    for (const fix of before) {
      const shownBy = exposure(fix)?.shownBy
      if (shownBy === undefined) continue
      const [record] = await getEntities(db, [BigInt(shownBy.entity)])
      expect(record === undefined ? null : entityField(record, shownBy.path), nameOf(fix)).toBe(shownBy.value)
    }
    // Somebody is at one door, and somebody is where none is.
    for (const name of ['balanced', 'inner'])
      await accept(db, clock, [
        delivery({
          alerts: [newAlert({ scope, eventNs: at, priority: 'Warning', pod: { namespace: 'default', name: `${name}-1`, uid: null } })],
        }),
      ])
    while ((await correlatePending(db, clock)).alerts > 0);
    const after = await faults(db, scope)
    expect(nameOf(after[0] as Fix)).toBe('balanced')
    expect(exposure(after[0] as Fix)).toMatchObject({
      code: 'alert_at_the_door',
      text: 'reachable from the internet by Service default/balanced-svc, and an alert is at this door',
    })
    expect(after[0]?.score).toBeGreaterThan(after[1]?.score ?? 100)
  })

  it('closes with the door: what leads in by it too', async () => {
    const [db, scope] = [database(), newScope()]
    await told(db, scope, [...deployment('web'), ...deployment('db'), service('web', 'LoadBalancer')])
    await accept(db, clock, [delivery({ scope, findings: ['web', 'db'].map((name) => fault(scope, name)) })])
    const open = await faults(db, scope)
    expect(open.map((fix) => exposure(fix)?.code).toSorted()).toEqual(['internet_path', 'internet_reachable'])
    await told(db, scope, [service('web', 'ClusterIP')], at + 1_000_000_000n)
    const shut = await faults(db, scope)
    expect(shut.map((fix) => exposure(fix)?.code)).toEqual(['cluster_reachable', 'cluster_reachable'])
    expect(Math.max(...shut.map(({ score }) => score))).toBeLessThan(Math.min(...open.map(({ score }) => score)))
  })

  it('is not known where no inventory was collected, which neither raises nor lowers', async () => {
    const [db, scope] = [database(), newScope()]
    await accept(db, clock, [delivery({ scope, findings: [fault(scope, 'web')] })])
    const [unknown] = await faults(db, scope)
    expect(unknown && exposure(unknown)).toEqual({
      code: 'exposure_unknown',
      text: 'no inventory says where it runs, so not what can reach it',
      factor: 1,
    })
    expect(await standing({ db }, { scope })).toContain(
      `No inventory of “${scope}” was collected: what runs where, and what the internet leads to, is not known`,
    )
    await told(db, scope, deployment('web'))
    const [known] = await faults(db, scope)
    expect(known && exposure(known)).toMatchObject({
      code: 'cluster_reachable',
      text: expect.stringContaining(
        'of its namespace no Service or Ingress was recorded, which is not to say that the internet does not reach it',
      ) as string,
    })
    expect(await standing({ db }, { scope })).not.toContain('No inventory')
  })
})

it('the cheapest way is taken, of equally cheap ones the shortest, then by the door’s name; steps that cost nothing may lead in circles', () => {
  const next: Next = new Map()
  const step = (from: number, to: number, cost: number): void => {
    next.set(BigInt(from), [...(next.get(BigInt(from)) ?? []), { to: BigInt(to), cost }])
  }
  for (const [from, to, cost] of [
    [0, 1, 1],
    [0, 2, 0],
    [0, 3, 0],
    [2, 4, 4],
    [3, 4, 4],
    [4, 5, 0],
    [5, 4, 0],
    [1, 5, 3],
    [5, 0, 0],
  ] as const)
    step(from, to, cost)
  const ranks = new Map([
    [1n, 0],
    [2n, 2],
    [3n, 1],
  ])
  const found = cheapestFrom(next, 0n, ranks)
  expect(found.get(4n)).toEqual({ cost: 4, moves: 2, door: 1 })
  expect(found.get(5n), 'as cheap and shorter').toEqual({ cost: 4, moves: 2, door: 0 })
  expect(found.has(0n)).toBe(false)
})
