/**
 * Guarantee 17: eight drifts × every action. What an approval stood on has changed, so nothing is sent; it is proposed anew, or
 * fails with its reason where it cannot be. Where a drift cannot befall an action, the table says why. Status churn is none.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoredObject } from '../../clusters/simulated/objects.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { executeProposal } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { getProposal } from '../../store/proposals.ts'
import { eachDatabase } from '../support/database.ts'
import { approved, type Bench, type Case, everyAction, openBench } from '../support/executor-bench.ts'
import { clusterState } from '../support/shop.ts'

const drifts = ['uid', 'gone', 'spec', 'image', 'labels', 'owner', 'blast radius', 'cluster'] as const
type Drift = (typeof drifts)[number]
/** What a drift leads to: its reason, and the state of the plan that is made anew; or why it cannot befall this action. */
type Expected = { reason: RegExp; again: 'pending' | 'unplannable' | 'nothing' } | { never: string }

const reason = (text: RegExp, again: 'pending' | 'unplannable' | 'nothing' = 'pending'): Expected => ({ reason: text, again })
const common: Record<Drift, Expected> = {
  uid: reason(/was replaced/, 'unplannable'),
  gone: reason(/no longer exists/, 'unplannable'),
  spec: reason(/specification changed/),
  image: reason(/images changed/),
  labels: reason(/labels changed/),
  owner: reason(/owner changed/),
  'blast radius': { never: 'it affects its target and nothing else' },
  cluster: reason(/Another cluster answers/, 'nothing'),
}
const table: Record<string, Record<Drift, Expected>> = {
  'kubernetes.isolate_pod': { ...common, 'blast radius': reason(/also affect Service shop\/payments/) },
  'kubernetes.delete_pod': common,
  'kubernetes.scale_workload': { ...common, 'blast radius': reason(/also affect Pod shop\/one-more/) },
  'kubernetes.cordon_node': { ...common, image: { never: 'a node declares no images' } },
  'kubernetes.collect_logs': common,
}

const place: Record<Case['target'][0], [string, string | null, string]> = {
  pod: ['pods', 'shop', 'checkout-7d9f-aaaaa'],
  workload: ['deployments.apps', 'shop', 'checkout'],
  node: ['nodes', null, 'node-1'],
}
const targetOf = ({ shop: { cluster } }: Bench, kind: Case['target'][0]): StoredObject => cluster.store.get(...place[kind]) as StoredObject

const isGone = ({ shop: { cluster } }: Bench, kind: Case['target'][0]): void => {
  cluster.store.remove(...place[kind], {}, false)
}
const change = (bench: Bench, kind: Case['target'][0], to: (object: StoredObject) => StoredObject): void => {
  bench.shop.cluster.store.update(place[kind][0], to(targetOf(bench, kind)), false)
}
const containers = (object: StoredObject, image: string): StoredObject => {
  // A node tells the images it holds in its status.
  if (object.kind === 'Node') return { ...object, status: { ...object.status, images: [{ names: [image] }] } }
  const changed = [{ name: 'app', image }]
  const template = object.spec?.template as { spec: object } | undefined
  return {
    ...object,
    spec:
      template === undefined
        ? { ...object.spec, containers: changed }
        : { ...object.spec, template: { ...template, spec: { ...template.spec, containers: changed } } },
  }
}

const befall: Record<Drift, (bench: Bench, kind: Case['target'][0]) => void> = {
  uid: (bench, kind) => {
    const object = targetOf(bench, kind)
    isGone(bench, kind)
    bench.shop.cluster.store.create(place[kind][0], { ...object, metadata: { ...object.metadata, uid: 'another' } }, false)
  },
  gone: isGone,
  spec: (bench, kind) => change(bench, kind, (object) => ({ ...object, spec: { ...object.spec, minReadySeconds: 1 } })),
  image: (bench, kind) => change(bench, kind, (object) => containers(object, 'registry.example/checkout:evil')),
  labels: (bench, kind) =>
    change(bench, kind, (object) => ({ ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, extra: '1' } } })),
  owner: (bench, kind) =>
    change(bench, kind, (object) => ({
      ...object,
      metadata: { ...object.metadata, ownerReferences: [{ kind: 'Machine', name: 'm', uid: 'm-uid', controller: true }] },
    })),
  'blast radius': (bench, kind) => {
    const { store } = bench.shop.cluster
    if (kind === 'pod')
      store.create('services', { metadata: { name: 'payments', namespace: 'shop' }, spec: { selector: { app: 'checkout' } } }, false)
    else
      store.create(
        'pods',
        { metadata: { name: 'one-more', namespace: 'shop', labels: { app: 'checkout' } }, spec: { containers: [] } },
        false,
      )
  },
  cluster: ({ shop: { cluster } }) => {
    const system = cluster.store.get('namespaces', null, 'kube-system') as StoredObject
    cluster.store.remove('namespaces', null, 'kube-system', {}, false)
    cluster.store.create('namespaces', { ...system, metadata: { ...system.metadata, uid: 'another-cluster' } }, false)
  },
}

it('guarantee 17: the table has every action and every drift', () => {
  expect(Object.keys(table).sort()).toEqual(actions.map((action) => action.name).sort())
  for (const row of Object.values(table)) expect(Object.keys(row).sort()).toEqual([...drifts].sort())
})

eachDatabase('drift', (database) => {
  describe.each(everyAction)('$action', (what) => {
    let at: Bench
    const expectations = table[what.action] as Record<Drift, Expected>
    beforeAll(async () => {
      at = await openBench(database())
    })
    afterAll(async () => at.stop())

    it.each(drifts)('guarantee 17: %s refuses, sends nothing, and is proposed anew where it can be', async (drift) => {
      const bench = await openBench(database())
      const proposal = await approved(bench, what)
      bench.tap.clear()
      befall[drift](bench, what.target[0])
      const before = clusterState(bench.shop.cluster)
      const done = (await executeProposal(bench.runner, proposal.id)) as Proposal
      const expected = expectations[drift]
      if ('never' in expected) {
        // The table may not excuse what does refuse: such a change is none to this action, and it runs.
        expect(done.state, expected.never).toBe('succeeded')
      } else {
        expect(bench.tap.writes()).toEqual([])
        expect(clusterState(bench.shop.cluster)).toBe(before)
        expect(done.stateReason).toMatch(expected.reason)
        expect(done.state).toBe(expected.again === 'nothing' ? 'failed' : 'superseded')
        if (expected.again === 'nothing') expect(done.supersededBy).toBeNull()
        else {
          const again = await getProposal(database(), { id: done.supersededBy as string })
          expect(again).toMatchObject({ state: 'requested', action: what.action, target: proposal.target, proposedBy: proposal.proposedBy })
          expect((await planProposal(bench.runner, bench.runner.executor, done.supersededBy as string))?.state).toBe(expected.again)
        }
      }
      await bench.stop()
    })

    it('guarantee 17: mere status churn is none', async () => {
      const proposal = await approved(at, what)
      for (let count = 0; count < 3; count += 1)
        change(at, what.target[0], (object) => ({ ...object, status: { ...object.status, restarts: count, phase: 'Running' } }))
      expect(await executeProposal(at.runner, proposal.id)).toMatchObject({ state: 'succeeded' })
    })

    it('guarantee 17: less to affect than was approved is none', async () => {
      const bench = await openBench(database())
      befall['blast radius'](bench, what.target[0])
      const proposal = await approved(bench, what)
      const { store } = bench.shop.cluster
      if (what.target[0] === 'pod') store.remove('services', 'shop', 'payments', {}, false)
      else store.remove('pods', 'shop', 'one-more', {}, false)
      expect(await executeProposal(bench.runner, proposal.id)).toMatchObject({ state: 'succeeded' })
      await bench.stop()
    })
  })
})
