/** What the actions make of pods as they are found: labelled before, half isolated, static, of a Job or a DaemonSet, with more containers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubernetesJson } from '../../../clusters/contract.ts'
import type { Plan } from '../../../domain/proposal.ts'
import type { Database } from '../../../store/database.ts'
import { artifactsOf } from '../../../store/proposals.ts'
import { embeddedDatabase } from '../../../test/support/database.ts'
import { ada, approved, type Bench, caseOf, decision, openBench, planned } from '../../../test/support/executor-bench.ts'
import { podUid, shopObjects } from '../../../test/support/shop.ts'
import { approve } from '../../approve.ts'
import { executeProposal, revertProposal } from '../../execute.ts'
import { shows } from '../../in-place.ts'
import { quarantineLabel } from './isolate-pod.ts'

const podName = 'checkout-7d9f-aaaaa'
const policyName = `falconer-quarantine-${podUid}`

describe('actions on pods as they are found', () => {
  let db: Database
  beforeAll(async () => {
    db = await embeddedDatabase()
  })
  afterAll(async () => db.close())

  const shopWith = (change: (pod: KubernetesJson) => KubernetesJson, ...more: KubernetesJson[]): Promise<Bench> =>
    openBench(db, {
      seed: { objects: [...shopObjects().map((one) => (one.metadata.uid === podUid ? change(one) : one)), ...more], flows: [] },
    })
  const labels = ({ shop }: Bench): Record<string, string> | undefined => shop.cluster.store.get('pods', 'shop', podName)?.metadata.labels
  const labelled = (value: string) => (pod: KubernetesJson) => ({
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [quarantineLabel]: value } },
  })
  const policy = (over: object = {}): KubernetesJson => ({
    kind: 'NetworkPolicy',
    metadata: { name: policyName, namespace: 'shop' },
    spec: {
      podSelector: { matchLabels: { [quarantineLabel]: podUid } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [],
      ...over,
    },
  })
  const ownedBy = (kind: string) => (pod: KubernetesJson) => ({
    ...pod,
    metadata: { ...pod.metadata, ownerReferences: [{ kind, name: 'theirs', uid: 'owner-uid', controller: true }] },
  })

  it('isolates a pod on which somebody put the quarantine label before, and gives the label back', async () => {
    const at = await shopWith(labelled('not yours'))
    const proposal = await approved(at, caseOf('isolate_pod'))
    expect(proposal.plan?.diff).toContain(`-   label ${quarantineLabel}: not yours`)
    expect((await executeProposal(at.runner, proposal.id))?.state).toBe('succeeded')
    expect(labels(at)?.[quarantineLabel]).toBe(podUid)
    await revertProposal(at.runner, ada, proposal.id, '')
    expect(labels(at)?.[quarantineLabel]).toBe('not yours')
    await at.stop()
  })

  it('says that it is in quarantine only of a pod whose label and policy both stand', async () => {
    const whole = await shopWith(labelled(podUid), policy())
    expect(await planned(whole, caseOf('isolate_pod'))).toMatchObject({
      state: 'unplannable',
      stateReason: expect.stringMatching(/already in quarantine/),
    })
    await whole.stop()
    const unpoliced = await shopWith(labelled(podUid))
    expect(((await planned(unpoliced, caseOf('isolate_pod'))).plan as Plan).requests.map((one) => one.verb)).toEqual(['create', 'patch'])
    await unpoliced.stop()
    const unlabelled = await shopWith((pod) => pod, policy())
    const proposal = await approved(unlabelled, caseOf('isolate_pod'))
    expect(proposal.plan?.requests.map((one) => one.verb)).toEqual(['patch'])
    expect((await executeProposal(unlabelled.runner, proposal.id))?.state).toBe('succeeded')
    await revertProposal(unlabelled.runner, ada, proposal.id, '')
    expect(unlabelled.shop.cluster.store.list('networkpolicies.networking.k8s.io', 'shop')).toHaveLength(1)
    await unlabelled.stop()
  })

  it('does not trust a policy of its name that somebody opened', async () => {
    for (const over of [{ egress: [{}] }, { policyTypes: ['Ingress'] }, { podSelector: { matchLabels: { app: 'x' } } }]) {
      const at = await shopWith((pod) => pod, policy(over))
      expect(await planned(at, caseOf('isolate_pod'))).toMatchObject({
        state: 'unplannable',
        stateReason: expect.stringMatching(/Somebody changed it/),
      })
      await at.stop()
    }
    const at = await shopWith((pod) => pod)
    const proposal = await approved(at, caseOf('isolate_pod'))
    await executeProposal(at.runner, proposal.id)
    const stored = at.shop.cluster.store.get('networkpolicies.networking.k8s.io', 'shop', policyName)
    at.shop.cluster.store.update(
      'networkpolicies.networking.k8s.io',
      { ...(stored as KubernetesJson), spec: { ...stored?.spec, egress: [{}] } },
      false,
    )
    expect(await at.runner.executor.verify(proposal.plan as Plan)).toMatchObject({
      level: 'accepted',
      remaining: ['somebody changed the deny-all policy'],
    })
    await at.stop()
  })

  it.each(['Job', 'DaemonSet', 'StatefulSet'])('isolates and deletes a pod of a %s, and says what its owner does', async (kind) => {
    const at = await shopWith(ownedBy(kind))
    const isolation = await approved(at, caseOf('isolate_pod'))
    expect((await executeProposal(at.runner, isolation.id))?.state).toBe('succeeded')
    await revertProposal(at.runner, ada, isolation.id, '')
    const deletion = await approved(at, caseOf('delete_pod'))
    expect(deletion.plan?.blastRadius.summary).toContain(kind === 'Job' ? 'Job theirs may start another' : `${kind} theirs starts another`)
    expect((await executeProposal(at.runner, deletion.id))?.state).toBe('succeeded')
    await at.stop()
  })

  it('refuses to delete a static pod, which its node would go on running, and one that is going already', async () => {
    const mirror = await shopWith((pod) => ({ ...pod, metadata: { ...pod.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } } }))
    expect(await planned(mirror, caseOf('delete_pod'))).toMatchObject({
      state: 'unplannable',
      stateReason: expect.stringMatching(/static pod/),
    })
    await mirror.stop()
    const going = await shopWith((pod) => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } as never }))
    expect(await planned(going, caseOf('delete_pod'))).toMatchObject({
      state: 'unplannable',
      stateReason: expect.stringMatching(/being deleted already/),
    })
    await going.stop()
    const onHost = await shopWith((pod) => ({ ...pod, spec: { ...pod.spec, hostNetwork: true } }))
    expect(await planned(onHost, caseOf('isolate_pod'))).toMatchObject({
      state: 'unplannable',
      stateReason: expect.stringMatching(/node’s network/),
    })
    await onHost.stop()
  })

  it('stores the logs of init and debug containers too', async () => {
    const at = await shopWith((pod) => ({
      ...pod,
      spec: { ...pod.spec, initContainers: [{ name: 'setup', image: 'i' }], ephemeralContainers: [{ name: 'debugger', image: 'd' }] },
    }))
    const proposal = await planned(at, caseOf('delete_pod'))
    expect(proposal.plan?.evidenceFirst).toHaveLength(4)
    await approve(at.runner, ada, decision(proposal))
    await executeProposal(at.runner, proposal.id)
    expect((await artifactsOf(db, proposal.id)).map((one) => one.name.replace(`${podName}.`, '')).sort()).toEqual([
      'app.log',
      'debugger.log',
      'manifest.json',
      'setup.log',
    ])
    await at.stop()
  })

  it('is called partial where something sets the number of replicas back at once', async () => {
    const at = await openBench(db)
    const proposal = await approved(at, { ...caseOf('scale_workload'), params: { replicas: 5 } })
    const { store } = at.shop.cluster
    at.tap.answered = ({ write }) => {
      const found = store.get('deployments.apps', 'shop', 'checkout')
      if (write && found !== undefined) store.update('deployments.apps', { ...found, spec: { ...found.spec, replicas: 2 } }, false)
    }
    expect(await executeProposal(at.runner, proposal.id)).toMatchObject({
      state: 'partial',
      stateReason: expect.stringMatching(/the cluster does not show it/),
      result: { observation: { level: 'none' } },
    })
    await at.stop()
  })
})

describe('reading back', () => {
  it('finds what was asked for among whatever else stands there', () => {
    const found = { metadata: { uid: 'u', labels: { a: '1', b: '2' } }, spec: { replicas: 3, list: [{ x: 1, y: 2 }] } }
    expect(shows(found, { metadata: { labels: { a: '1' } }, spec: { list: [{ x: 1 }] } })).toBe(true)
    expect(shows(found, { metadata: { labels: { a: null, c: null } } })).toBe(false)
    expect(shows(found, { metadata: { labels: { c: null } }, gone: { z: null } })).toBe(true)
    expect(shows(found, { spec: { list: [] } })).toBe(false)
    expect(shows(found, { spec: { other: [] } })).toBe(true)
    expect(shows(found, { spec: { replicas: 2 } })).toBe(false)
    expect(shows(null, { a: 1 })).toBe(false)
  })
})
