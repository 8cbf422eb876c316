/**
 * Guarantees 21, 22 and 23: undo restores the state that was there, or the card said before approval that nothing can; contained is
 * said only of an effect that was observed, with what is still open; and evidence is stored and hashed before it is destroyed.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { KubernetesJson } from '../../clusters/contract.ts'
import type { StoredObject } from '../../clusters/simulated/objects.ts'
import { createExecutor } from '../../apps/executor/run.ts'
import { connect } from '../../clusters/client.ts'
import type { Plan, Proposal } from '../../domain/proposal.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { approve } from '../../responses/approve.ts'
import { executeProposal, revertProposal } from '../../responses/execute.ts'
import { listAudit } from '../../store/audit.ts'
import { accept } from '../../store/intake.ts'
import { getIncident, listIncidents } from '../../store/incidents.ts'
import { artifactsOf, getArtifact } from '../../store/proposals.ts'
import { eachDatabase } from '../support/database.ts'
import {
  ada,
  approved,
  type Bench,
  type Case,
  caseOf,
  decision,
  denied,
  everyAction,
  openBench,
  planned,
} from '../support/executor-bench.ts'
import type { Arrival, Fate } from '../support/executor-tap.ts'
import { containerId, delivery, newAlert } from '../support/records.ts'
import { clusterState, declaredState, podUid, shopObjects } from '../support/shop.ts'
import { full, property } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 1_800_000 : 120_000 })
const quarantine = 'falconer.dev/quarantine'
const pod = ['pods', 'shop', 'checkout-7d9f-aaaaa'] as const
const deployment = ['deployments.apps', 'shop', 'checkout'] as const

eachDatabase('outcomes', (database) => {
  const run = async (at: Bench, what: Case): Promise<Proposal> =>
    (await executeProposal(at.runner, (await approved(at, what)).id)) as Proposal

  describe('undo', () => {
    /** States the target may be in before: others’ labels, leavings of an earlier time, other numbers. */
    const prior = fc.record({
      label: fc.constantFrom<string | null>(null, null, 'theirs', podUid),
      leftPolicy: fc.boolean(),
      replicas: fc.integer({ min: 1, max: 4 }),
      to: fc.integer({ min: 0, max: 4 }),
      unschedulable: fc.constantFrom<boolean | null>(null, false),
      breakAfter: fc.constantFrom<number | null>(null, null, 1),
    })

    const objectsWith = (given: typeof prior extends fc.Arbitrary<infer T> ? T : never): KubernetesJson[] => [
      ...shopObjects().map((one) => {
        if (one.kind === 'Deployment') return { ...one, spec: { ...one.spec, replicas: given.replicas } }
        if (one.kind === 'Node' && given.unschedulable !== null)
          return { ...one, spec: { ...one.spec, unschedulable: given.unschedulable } }
        if (one.metadata.uid === podUid && given.label !== null) return withLabels(one, { [quarantine]: given.label })
        return one
      }),
      ...(given.leftPolicy ? [{ kind: 'NetworkPolicy', ...denyAll() }] : []),
    ]

    it('guarantee 21: leads back to the very state that was there, whatever it was, also from half way', async () => {
      const reversible = everyAction.filter((one) => one.undoable)
      let undone = 0
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...reversible), prior, async (what, given) => {
          const at = await openBench(database(), { seed: { objects: objectsWith(given), flows: [] } })
          const before = declaredState(at.shop.cluster)
          const proposal = await planned(at, { ...what, params: 'replicas' in what.params ? { replicas: given.to } : what.params })
          if (proposal.state === 'pending') {
            await approve(at.runner, ada, decision(proposal))
            at.tap.clear()
            at.tap.decide = () => (at.tap.writes().length === (given.breakAfter ?? 0) + 1 && given.breakAfter !== null ? 'drop' : 'forward')
            const done = await executeProposal(at.runner, proposal.id)
            at.tap.decide = () => 'forward'
            expect(['succeeded', 'partial']).toContain(done?.state)
            expect(await revertProposal(at.runner, ada, proposal.id, ''), done?.stateReason ?? '').toMatchObject({ state: 'reverted' })
            undone += 1
          } else expect(proposal.stateReason).toMatch(/already/)
          expect(declaredState(at.shop.cluster)).toBe(before)
          await at.stop()
        }),
        { ...property(database().kind === 'embedded' ? 300 : 100, 10), endOnFailure: true },
      )
      expect(undone).toBeGreaterThan(4)
    })

    it('guarantee 21: what cannot be undone said so on its card, before anybody approved', async () => {
      for (const what of everyAction) {
        const at = await openBench(database())
        const proposal = await planned(at, what)
        const plan = proposal.plan as Plan
        expect(plan.undo === null, what.action).toBe(what.action === 'kubernetes.delete_pod')
        expect(plan.undoRequests.length > 0, what.action).toBe(what.undoable)
        await approve(at.runner, ada, decision(proposal))
        await executeProposal(at.runner, proposal.id)
        if (!what.undoable) expect(await denied(revertProposal(at.runner, ada, proposal.id, ''))).toBe('irreversible')
        await at.stop()
      }
    })

    it('guarantee 21: an undo that did not take is not called undone, and can be tried again', async () => {
      for (const what of everyAction.filter((one) => one.undoable)) {
        const at = await openBench(database())
        const done = await run(at, what)
        at.tap.decide = ({ write }) => (write ? 'swallow' : 'forward')
        const tried = await revertProposal(at.runner, ada, done.id, '')
        expect(tried, what.action).toMatchObject({ state: 'partial', stateReason: expect.stringMatching(/does not show it/) })
        expect(tried?.result?.undo).toEqual(done.result?.undo)
        at.tap.decide = () => ({ status: 403, message: 'no' })
        expect(await revertProposal(at.runner, ada, done.id, '')).toMatchObject({
          state: 'partial',
          stateReason: expect.stringMatching(/Nothing was done/),
        })
        at.tap.decide = () => 'forward'
        expect(await revertProposal(at.runner, ada, done.id, '')).toMatchObject({ state: 'reverted' })
        await at.stop()
      }
    })
  })

  describe('contained', () => {
    type Stubborn = {
      action: string
      name: string
      fate: (at: Bench, arrival: Arrival) => Fate
      level: string
      state: string
      remaining: RegExp
    }
    const whenWriting =
      (doing: (at: Bench) => void, fate: Fate = 'swallow') =>
      (at: Bench, arrival: Arrival): Fate => {
        if (!arrival.write) return 'forward'
        doing(at)
        return fate
      }
    const nothing = whenWriting(() => {})
    /** Clusters that say yes and do otherwise. */
    const stubborn: Stubborn[] = [
      { action: 'isolate_pod', name: 'does nothing', fate: nothing, level: 'none', state: 'partial', remaining: /policy does not exist/ },
      { action: 'delete_pod', name: 'does nothing', fate: nothing, level: 'none', state: 'partial', remaining: /still running/ },
      { action: 'scale_workload', name: 'does nothing', fate: nothing, level: 'none', state: 'partial', remaining: /not changed/ },
      { action: 'cordon_node', name: 'does nothing', fate: nothing, level: 'none', state: 'partial', remaining: /not cordoned/ },
      {
        action: 'delete_pod',
        name: 'leaves the pod stopping',
        fate: whenWriting((at) => change(at, pod, (one) => ({ ...one, metadata: { ...one.metadata, deletionTimestamp: 'now' } as never }))),
        level: 'accepted',
        state: 'succeeded',
        remaining: /processes may still be running/,
      },
      {
        action: 'delete_pod',
        name: 'puts another pod in its place',
        fate: whenWriting((at) => {
          const { store } = at.shop.cluster
          const old = store.get(...pod) as StoredObject
          store.remove(...pod, {}, false)
          store.create('pods', { ...old, metadata: { ...old.metadata, uid: 'second' } }, false)
        }),
        level: 'effect_observed',
        state: 'succeeded',
        remaining: /another pod has its name/,
      },
      {
        action: 'scale_workload',
        name: 'leaves its pods running',
        fate: whenWriting((at) => change(at, deployment, (one) => ({ ...one, spec: { ...one.spec, replicas: 0 } }))),
        level: 'applied',
        state: 'succeeded',
        remaining: /starting or stopping/,
      },
    ]

    it.each(stubborn)(
      'guarantee 22: $action on a cluster that $name is not called contained',
      async ({ action, fate, level, state, remaining }) => {
        const at = await openBench(database())
        const incidentId = await incidentOf(at, [podUid])
        const proposal = await approved(at, caseOf(action), incidentId)
        at.tap.decide = (arrival) => fate(at, arrival)
        const done = (await executeProposal(at.runner, proposal.id)) as Proposal
        expect(done).toMatchObject({ state, result: { observation: { level } } })
        expect(done.result?.observation.remaining.join('\n')).toMatch(remaining)
        expect((await getIncident(database(), { id: incidentId }))?.state).toBe('open')
        await at.stop()
      },
    )

    it('guarantee 22: isolation whose connections go on lists them; one that nobody observes says that nobody did', async () => {
      const keeps = await openBench(database(), { keepEstablished: true })
      expect((await run(keeps, caseOf('isolate_pod'))).result?.observation).toMatchObject({
        level: 'applied',
        remaining: ['to 203.0.113.9:4444'],
      })
      await keeps.stop()
      const allows = await openBench(database())
      allows.shop.cluster.store.create(
        'networkpolicies.networking.k8s.io',
        { metadata: { name: 'theirs', namespace: 'shop' }, spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{}] } },
        false,
      )
      const waiting = await planned(allows, caseOf('isolate_pod'))
      expect(waiting.plan?.warnings.join('\n')).toMatch(/what theirs allows for this pod stays allowed/)
      await approve(allows.runner, ada, decision(waiting))
      const done = await executeProposal(allows.runner, waiting.id)
      expect(done?.result?.observation).toMatchObject({ level: 'applied', remaining: ['to 203.0.113.9:4444'] })
      await allows.stop()
      const quiet = await openBench(database(), { seed: { objects: shopObjects(), flows: [] } })
      expect((await run(quiet, caseOf('isolate_pod'))).result?.observation).toMatchObject({
        level: 'applied',
        text: expect.stringMatching(/No connection/),
      })
      await quiet.stop()
    })

    it('guarantee 22: on a real cluster, whose connections nobody reports, no isolation is called contained', async () => {
      const at = await openBench(database())
      at.tap.posesAsReal = true
      const executor = createExecutor({
        kubeConfig: connect({ kubeconfig: at.tap.kubeconfig('executor') }),
        policy: at.shop.policy,
        publicKey: at.shop.keys.publicKey,
        actionsEnabled: true,
        scope: at.scope,
        clock: at.clock,
        wait: async () => {},
      })
      Object.assign(at.runner, { executor: { ...executor, close: async () => {} }, actionsEnabled: true })
      const incidentId = await incidentOf(at, [podUid])
      const proposal = await approved(at, caseOf('isolate_pod'), incidentId)
      expect(proposal.plan?.simulated).toBe(false)
      const done = await executeProposal(at.runner, proposal.id)
      expect(done).toMatchObject({
        state: 'succeeded',
        result: { observation: { level: 'applied', text: expect.stringMatching(/was not observed/) } },
      })
      expect((await getIncident(database(), { id: incidentId }))?.state).toBe('open')
      await at.stop()
    })

    it('guarantee 22: an incident is contained when its last pod is, and open again when one is let go', async () => {
      const flows = [podUid, 'pod-uid-checkout-2'].map((uid) => ({
        podUid: uid,
        peer: '203.0.113.9',
        port: 4444,
        direction: 'out' as const,
        state: 'open' as const,
      }))
      const at = await openBench(database(), { seed: { objects: shopObjects(), flows } })
      const incidentId = await incidentOf(at, [podUid, 'pod-uid-checkout-2'])
      const first = await approved(at, caseOf('isolate_pod'), incidentId)
      const done = await executeProposal(at.runner, first.id)
      expect(done?.result?.observation).toMatchObject({
        level: 'effect_observed',
        remaining: ['pod shop/checkout-7d9f-bbbbb, of the same incident, is not contained'],
      })
      const state = async () => (await getIncident(database(), { id: incidentId }))?.state
      expect(await state()).toBe('open')
      const second = await approved(at, { ...caseOf('isolate_pod'), target: ['pod', 'pod-uid-checkout-2'] }, incidentId)
      expect((await executeProposal(at.runner, second.id))?.result?.observation.remaining).toEqual([])
      expect(await state()).toBe('contained')
      await revertProposal(at.runner, ada, first.id, '')
      expect(await state()).toBe('open')
      const log = await listAudit(database(), { subject: `incident/${incidentId}` })
      expect(log.map((entry) => entry.action)).toEqual(['incident reopened', 'incident contained', 'incident partly contained'])
      await at.stop()
    })

    it('guarantee 22: what contains nothing contains no incident', async () => {
      for (const what of [caseOf('cordon_node'), caseOf('collect_logs'), { ...caseOf('scale_workload'), params: { replicas: 3 } }]) {
        const at = await openBench(database())
        const incidentId = await incidentOf(at, [podUid])
        const done = await executeProposal(at.runner, (await approved(at, what, incidentId)).id)
        expect(done).toMatchObject({ state: 'succeeded', result: { observation: { level: 'effect_observed' } } })
        expect((await getIncident(database(), { id: incidentId }))?.state, what.action).toBe('open')
        await at.stop()
      }
    })

    async function incidentOf(at: Bench, uids: readonly string[]): Promise<string> {
      const eventNs = BigInt(at.clock.now().getTime()) * 1_000_000n
      const alerts = uids.map((uid, index) =>
        newAlert({ scope: at.scope, eventNs: eventNs + BigInt(index), container: { id: containerId(uid), name: null, image: null } }),
      )
      await accept(database(), at.clock, [delivery({ scope: at.scope, alerts })])
      while ((await correlatePending(database(), at.clock)).alerts > 0);
      const { incidents } = await listIncidents(database(), { scope: at.scope }, { limit: 10 })
      expect(incidents.map((one) => one.alertCount)).toEqual([uids.length])
      return incidents[0]?.id ?? ''
    }
  })

  describe('evidence', () => {
    const destructive = everyAction.filter((one) => one.destroysEvidence)
    let containers: Record<string, string>
    beforeAll(() => {
      containers = { 'shop/checkout-7d9f-aaaaa/app': 'GET / 200\nGET /.env 404\n', 'shop/checkout-7d9f-bbbbb/app': 'quiet\n' }
    })
    afterAll(() => {
      containers = {}
    })

    it.each(destructive)('guarantee 23: $action arrives only when logs and manifests are stored, each with its hash', async (what) => {
      const at = await openBench(database(), { logs: containers })
      const proposal = await approved(at, what)
      const plan = proposal.plan as Plan
      let seen = 0
      at.tap.decide = async ({ write }): Promise<Fate> => {
        if (!write) return 'forward'
        seen += 1
        const stored = await artifactsOf(database(), proposal.id)
        expect(plan.evidenceFirst.length).toBeGreaterThan(0)
        const pods = what.action === 'kubernetes.delete_pod' ? ['aaaaa'] : ['aaaaa', 'bbbbb']
        expect(stored.map((one) => one.name).sort()).toEqual(
          pods.flatMap((one) => [`checkout-7d9f-${one}.app.log`, `checkout-7d9f-${one}.manifest.json`]),
        )
        for (const { id, sha256, name } of stored) {
          const content = (await getArtifact(database(), proposal.id, id))?.content as Buffer
          expect(createHash('sha256').update(content).digest('hex')).toBe(sha256)
          if (name.endsWith('.log')) expect(content.toString()).toBe(containers[`shop/${name.slice(0, -'.app.log'.length)}/app`])
          else expect(content.toString()).not.toContain('hunter2')
        }
        return 'forward'
      }
      expect((await executeProposal(at.runner, proposal.id))?.state).toBe('succeeded')
      expect(seen).toBe(1)
      const log = (await listAudit(database(), { subject: `proposal/${proposal.id}` })).map((entry) => entry.action)
      expect(log.lastIndexOf('artifact stored')).toBeGreaterThan(log.indexOf('proposal succeeded'))
      await at.stop()
    })

    it.each(destructive)('guarantee 23: $action is not sent when evidence cannot be stored or read, and says why', async (what) => {
      const failures: [string, Fate | 'store', RegExp][] = [
        ['cannot be stored', 'store', /disk is full/],
        ['log forbidden', { status: 403, message: 'pods/log is forbidden' }, /log of app: .*forbidden/],
        ['log answers 500', { status: 500, message: 'boom' }, /boom/],
        ['log connection breaks', 'drop', /cannot be reached/],
      ]
      for (const [name, fate, reason] of failures) {
        const at = await openBench(database())
        const proposal = await approved(at, what)
        const before = clusterState(at.shop.cluster)
        at.tap.decide = ({ path }) => (fate !== 'store' && path.endsWith('/log') ? fate : 'forward')
        const { execute } = at.runner.executor
        if (fate === 'store')
          at.runner.executor.execute = (ticket) =>
            execute(ticket, async () => {
              throw new Error('the disk is full')
            })
        const done = await executeProposal(at.runner, proposal.id)
        expect(done, name).toMatchObject({ state: 'failed', stateReason: expect.stringMatching(reason), result: { undo: [] } })
        expect(at.tap.writes(), name).toEqual([])
        expect(clusterState(at.shop.cluster)).toBe(before)
        await at.stop()
      }
    })

    it.each(destructive)('guarantee 23: $action goes on past a container that never started: it has no log to lose', async (what) => {
      const at = await openBench(database())
      const proposal = await approved(at, what)
      at.tap.decide = ({ path }) => (path.endsWith('/log') ? { status: 400, message: 'container "app" is waiting to start' } : 'forward')
      expect((await executeProposal(at.runner, proposal.id))?.state).toBe('succeeded')
      const [log] = (await artifactsOf(database(), proposal.id)).filter((one) => one.name.endsWith('.log'))
      expect((await getArtifact(database(), proposal.id, log?.id ?? ''))?.content.toString()).toMatch(
        /could not read this log: .*waiting to start/,
      )
      await at.stop()
    })

    it('guarantee 23: a collection stores what it can, and names what it could not', async () => {
      const at = await openBench(database())
      const proposal = await approved(at, caseOf('collect_logs'))
      at.tap.decide = ({ path }) => (path.endsWith('/log') ? { status: 500, message: 'boom' } : 'forward')
      const done = await executeProposal(at.runner, proposal.id)
      expect(done).toMatchObject({ state: 'partial', stateReason: expect.stringMatching(/Not read: the log of app: .*boom/) })
      await at.stop()
    })
  })
})

const withLabels = (object: KubernetesJson, labels: Record<string, string>): KubernetesJson => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } },
})
const change = (
  { shop: { cluster } }: Bench,
  [resource, namespace, name]: readonly [string, string | null, string],
  to: (one: StoredObject) => StoredObject,
): void => {
  cluster.store.update(resource, to(cluster.store.get(resource, namespace, name) as StoredObject), false)
}
/** The very policy an earlier isolation of this pod would have left. */
const denyAll = () => ({
  metadata: { name: `falconer-quarantine-${podUid}`, namespace: 'shop', labels: { 'app.kubernetes.io/managed-by': 'falconer' } },
  spec: { podSelector: { matchLabels: { [quarantine]: podUid } }, policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [] },
})
