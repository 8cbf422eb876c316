import { beforeAll, afterAll, describe, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { DeniedError } from '../domain/errors.ts'
import { agentPrincipal, demoPrincipal, type Principal } from '../domain/principal.ts'
import type { ActionTarget, Proposal } from '../domain/proposal.ts'
import { listAudit, verifyAudit } from '../store/audit.ts'
import type { Database } from '../store/database.ts'
import { findEntity, listEntities } from '../store/entities.ts'
import { artifactsOf, getProposal } from '../store/proposals.ts'
import { eachDatabase } from '../test/support/database.ts'
import { clusterState, podUid, recordInventory, type Shop, startShop } from '../test/support/shop.ts'
import { approve, reject } from './approve.ts'
import { newApprovalKeys, signTicket } from './approved.ts'
import { claim } from './claim.ts'
import { executeProposal, expireOverdue, revertProposal, type Runner } from './execute.ts'
import { planProposal } from './plan-requested.ts'
import { recoverInterrupted, requeueInterruptedPlanning } from './recover.ts'
import { propose, targetOf } from './propose.ts'

const person = (id: string, role: Principal['role'] = 'responder'): Principal => ({
  id,
  kind: 'user',
  name: id,
  role,
  personId: id,
  mayApprove: true,
})
const web = (principal: Principal) => ({ principal, channel: 'web' as const })
const agent = { principal: agentPrincipal, channel: 'system' as const }
let scopes = 0

type Bench = {
  runner: Runner
  shop: Shop
  scope: string
  clock: FixedClock
  entity(kind: 'pod' | 'workload' | 'node', key: string): Promise<string>
  stop(): Promise<void>
}
async function bench(db: Database, over: Parameters<typeof startShop>[1] = {}): Promise<Bench> {
  const clock = new FixedClock('2026-11-24T12:00:00Z')
  const scope = `responses-${(scopes += 1)}`
  const shop = await startShop(clock, over)
  await recordInventory(db, clock, scope)
  const entity = async (kind: 'pod' | 'workload' | 'node', key: string): Promise<string> =>
    String((await findEntity(db, { scope, kind, key }))?.id)
  return {
    shop,
    scope,
    clock,
    entity,
    stop: shop.stop,
    runner: { db, clock, policy: shop.policy, actionsEnabled: false, executor: shop.executor, privateKey: shop.keys.privateKey },
  }
}
async function proposed(
  { runner, entity }: Bench,
  action = 'kubernetes.isolate_pod',
  target: ['pod' | 'workload' | 'node', string] = ['pod', podUid],
  params: Record<string, unknown> = {},
  by = agent,
): Promise<Proposal> {
  const { proposal } = await propose(runner, by, {
    action,
    entityId: await entity(...target),
    params,
    reason: 'a reverse shell',
    incidentId: null,
    investigationId: null,
  })
  return (await planProposal(runner, runner.executor, proposal.id)) as Proposal
}
const decision = (proposal: Proposal) => ({ proposalId: proposal.id, planHash: proposal.planHash ?? '', reason: '', shownDigest: null })
const denied = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'allowed',
    (error: unknown) => (error instanceof DeniedError ? error.reason : String(error)),
  )

const everyAction: [string, ['pod' | 'workload' | 'node', string], Record<string, unknown>, boolean][] = [
  ['kubernetes.isolate_pod', ['pod', podUid], {}, true],
  ['kubernetes.delete_pod', ['pod', podUid], {}, false],
  ['kubernetes.scale_workload', ['workload', 'deploy-uid-1'], { replicas: 0 }, true],
  ['kubernetes.cordon_node', ['node', 'node-1'], {}, true],
  ['kubernetes.collect_logs', ['pod', podUid], {}, false],
]

eachDatabase('responses', (database) => {
  let shared: Bench
  beforeAll(async () => {
    shared = await bench(database())
  })
  afterAll(async () => shared.stop())

  describe.each(everyAction)('%s', (action, target, params, undoable) => {
    it('changes nothing before approval, does what was approved once, and undoes it', async () => {
      const at = await bench(database())
      const before = clusterState(at.shop.cluster)
      const proposal = await proposed(at, action, target, params)
      expect(proposal).toMatchObject({ state: 'pending', plan: { simulated: true } })
      expect(clusterState(at.shop.cluster)).toBe(before)
      expect(await denied(executeProposal(at.runner, proposal.id))).toBe('state')
      await approve(at.runner, web(person('ada')), decision(proposal))
      expect(clusterState(at.shop.cluster)).toBe(before)
      const done = await executeProposal(at.runner, proposal.id)
      expect(done).toMatchObject({ state: 'succeeded', result: { status: 'succeeded', observation: { level: 'effect_observed' } } })
      expect(clusterState(at.shop.cluster) === before).toBe(action === 'kubernetes.collect_logs')
      expect(await denied(executeProposal(at.runner, proposal.id))).toBe('state')
      if (undoable) {
        const undone = await revertProposal(at.runner, web(person('ada')), proposal.id, 'false alarm')
        expect(undone).toMatchObject({ state: 'reverted' })
        if (action !== 'kubernetes.scale_workload') expect(clusterState(at.shop.cluster)).toBe(before)
        else expect(at.shop.cluster.store.list('pods', 'shop')).toHaveLength(2)
      } else expect(await denied(revertProposal(at.runner, web(person('ada')), proposal.id, ''))).toBe('irreversible')
      await at.stop()
    })

    it('expires to the millisecond, as a plan and as an approval', async () => {
      const at = await bench(database())
      const late = await proposed(at, action, target, params)
      at.clock.advance(at.shop.policy.decideWithinMinutes * 60_000)
      const inTime = await denied(reject(at.runner, web(person('ada')), decision(late)))
      expect(inTime).toBe('allowed')
      const second = await proposed(at, action, target, params)
      at.clock.advance(at.shop.policy.decideWithinMinutes * 60_000 + 1)
      expect(await denied(approve(at.runner, web(person('ada')), decision(second)))).toBe('expired')
      expect((await getProposal(database(), { id: second.id }))?.state).toBe('expired')
      const third = await proposed(at, action, target, params)
      await approve(at.runner, web(person('ada')), decision(third))
      at.clock.advance(at.shop.policy.startWithinMinutes * 60_000 + 1)
      expect(await denied(claim(at.runner, third.id, at.runner.privateKey))).toBe('expired')
      const fourth = await proposed(at, action, target, params)
      await approve(at.runner, web(person('ada')), decision(fourth))
      at.clock.advance(at.shop.policy.startWithinMinutes * 60_000)
      const ticket = await claim(at.runner, fourth.id, at.runner.privateKey)
      at.clock.advance(1)
      expect((await at.runner.executor.execute(ticket, async () => {})).status).toBe('refused')
      await at.stop()
    })
  })

  it('refuses other principals, other plans and decided proposals, each with its reason', async () => {
    const { runner } = shared
    const proposal = await proposed(shared)
    expect(await denied(approve(runner, agent, decision(proposal)))).toBe('entitlement')
    expect(await denied(approve(runner, web({ ...person('t'), kind: 'token', mayApprove: false }), decision(proposal)))).toBe('entitlement')
    expect(await denied(approve(runner, web(person('eve', 'investigator')), decision(proposal)))).toBe('entitlement')
    expect(await denied(approve(runner, web(person('ada')), { ...decision(proposal), planHash: 'v1:0' }))).toBe('plan_changed')
    await reject(runner, web(person('ada')), { ...decision(proposal), reason: 'a drill' })
    expect(await denied(approve(runner, web(person('bob')), decision(proposal)))).toBe('state')
    expect((await reject(runner, web(person('ada')), decision(proposal))).state).toBe('rejected')
    const own = await proposed(shared, 'kubernetes.delete_pod', ['pod', podUid], {}, {
      principal: person('ada'),
      channel: 'web' as 'system',
    } as never)
    expect(await denied(approve(runner, web(person('ada')), decision(own)))).toBe('proposer')
    expect((await approve(runner, web(person('bob')), decision(own))).state).toBe('approved')
    await executeProposal(runner, own.id)
    const artifacts = await artifactsOf(runner.db, own.id)
    expect(artifacts.map((one) => one.name)).toEqual(['checkout-7d9f-aaaaa.app.log', 'checkout-7d9f-aaaaa.manifest.json'])
    const { broken } = await verifyAudit(runner.db)
    expect(broken).toBeNull()
    expect((await listAudit(runner.db, { subject: `proposal/${own.id}` })).map((entry) => entry.action)).toEqual([
      'proposal succeeded',
      'artifact stored',
      'artifact stored',
      'proposal claimed',
      'proposal approved',
      'proposal planned',
      'proposal requested',
    ])
  })

  it('refuses targets that inventory did not record, protected ones, and parameters beyond schema or limits', async () => {
    const { runner, entity, scope } = shared
    const request = (action: string, entityId: string, params: Record<string, unknown> = {}) =>
      propose(runner, agent, { action, entityId, params, reason: '', incidentId: null, investigationId: null })
    await expect(request('kubernetes.isolate_pod', 'checkout-7d9f-aaaaa')).rejects.toThrow(/not an inventory record/)
    await expect(request('kubernetes.isolate_pod', '999999999')).rejects.toThrow(/not an inventory record/)
    await expect(request('kubernetes.isolate_pod', await entity('node', 'node-1'))).rejects.toThrow(/acts on a pod/)
    await expect(request('kubernetes.cordon_node', await entity('node', 'node-1'), { force: true })).rejects.toThrow(/Unrecognized key/)
    await expect(request('kubernetes.scale_workload', await entity('workload', 'deploy-uid-1'), { replicas: 51 })).rejects.toThrow(
      /policy allows/,
    )
    await expect(request('kubernetes.isolate_pod', await entity('pod', 'pod-uid-proxy'))).rejects.toThrow(/protected/)
    await expect(request('kubernetes.format_disk', '1')).rejects.toThrow(/no action/)
    const derived = (await listEntities(runner.db, { scope, limit: 1_000 })).find((one) => one.kind === 'image')
    expect(() => targetOf({ ...(derived as NonNullable<typeof derived>), kind: 'pod', origin: 'derived' })).toThrow(
      /inventory never recorded/,
    )
  })

  it('gives the same open proposal to whoever asks for the same', async () => {
    const first = await proposed(shared, 'kubernetes.cordon_node', ['node', 'node-1'])
    const second = await propose(shared.runner, agent, {
      action: 'kubernetes.cordon_node',
      entityId: await shared.entity('node', 'node-1'),
      params: {},
      reason: 'again',
      incidentId: null,
      investigationId: null,
    })
    expect(second).toMatchObject({ created: false, proposal: { id: first.id } })
  })

  it('caps what agents may propose within an hour, and tells them so', async () => {
    const at = await bench(database(), { policy: { ...shared.shop.policy, agentProposalsPerHour: 2 } })
    await proposed(at)
    await proposed(at, 'kubernetes.cordon_node', ['node', 'node-1'])
    expect(await denied(proposed(at, 'kubernetes.collect_logs'))).toBe('burst')
    expect(
      (
        await proposed(at, 'kubernetes.collect_logs', ['pod', podUid], {}, {
          principal: person('ada'),
          channel: 'web' as 'system',
        } as never)
      ).state,
    ).toBe('pending')
    await at.stop()
  })

  it('needs as many different people as the policy says', async () => {
    const policy = {
      ...shared.shop.policy,
      actions: {
        ...shared.shop.policy.actions,
        'kubernetes.isolate_pod': { quorum: 2, approvers: 'responder' as const, proposerExcluded: false, params: {} },
      },
    }
    const at = await bench(database(), { policy })
    const proposal = await proposed(at)
    expect((await approve(at.runner, web(person('ada')), decision(proposal))).state).toBe('pending')
    expect((await approve(at.runner, web({ ...person('ada'), id: 'ada-on-slack' }), decision(proposal))).state).toBe('pending')
    expect((await approve(at.runner, web(person('bob')), decision(proposal))).state).toBe('approved')
    await at.stop()
  })

  it('refuses the demo principal, and everybody while actions are off, where the cluster is real', async () => {
    const at = await bench(database())
    const proposal = await proposed(at)
    const real = { ...proposal, plan: { ...(proposal.plan as NonNullable<Proposal['plan']>), simulated: false } }
    const executor = { ...at.runner.executor, plan: async () => real.plan }
    const { proposal: again } = await propose(at.runner, agent, {
      action: 'kubernetes.collect_logs',
      entityId: await at.entity('pod', podUid),
      params: {},
      reason: '',
      incidentId: null,
      investigationId: null,
    })
    const planned = (await planProposal(at.runner, executor, again.id)) as Proposal
    expect(planned.plan?.simulated).toBe(false)
    expect(await denied(approve(at.runner, web(demoPrincipal), decision(planned)))).toBe('simulated_only')
    expect(await denied(approve(at.runner, web(person('ada')), decision(planned)))).toBe('actions_off')
    await at.stop()
  })

  it('leaves a proposal requested while the cluster cannot be reached, and starts interrupted planning again', async () => {
    const at = await bench(database())
    const { proposal } = await propose(at.runner, agent, {
      action: 'kubernetes.isolate_pod',
      entityId: await at.entity('pod', podUid),
      params: {},
      reason: '',
      incidentId: null,
      investigationId: null,
    })
    await at.stop()
    await expect(planProposal(at.runner, at.runner.executor, proposal.id)).rejects.toThrow(/cannot be reached/)
    expect(await getProposal(database(), { id: proposal.id })).toMatchObject({
      state: 'requested',
      stateReason: expect.stringMatching(/cannot be reached/),
    })
    await requeueInterruptedPlanning(at.runner, 'all')
  })

  it('records what an interrupted run left, and never runs it again', async () => {
    for (const when of ['before', 'between', 'after'] as const) {
      const at = await bench(database())
      const proposal = await proposed(at)
      await approve(at.runner, web(person('ada')), decision(proposal))
      const ticket = await claim(at.runner, proposal.id, at.runner.privateKey)
      const [policy] = ticket.ticket.plan.requests
      if (when === 'between') at.shop.cluster.store.create('networkpolicies.networking.k8s.io', policy?.body as never, false)
      if (when === 'after') await at.runner.executor.execute(ticket, async () => {})
      const before = clusterState(at.shop.cluster)
      await recoverInterrupted(at.runner, 'all')
      expect(clusterState(at.shop.cluster)).toBe(before)
      const found = await getProposal(database(), { id: proposal.id })
      expect(found?.state).toBe({ before: 'failed', between: 'partial', after: 'succeeded' }[when])
      if (when === 'between') {
        expect((await revertProposal(at.runner, web(person('ada')), proposal.id, ''))?.state).toBe('reverted')
        expect(at.shop.cluster.store.list('networkpolicies.networking.k8s.io', 'shop')).toEqual([])
      }
      await at.stop()
    }
  })

  it('says contained only when connections were seen to end, and lists those that are open', async () => {
    const at = await bench(database(), { keepEstablished: true })
    const proposal = await proposed(at)
    await approve(at.runner, web(person('ada')), decision(proposal))
    const done = await executeProposal(at.runner, proposal.id)
    expect(done?.result?.observation).toMatchObject({ level: 'applied', remaining: ['to 203.0.113.9:4444'] })
    await at.stop()
  })

  it('refuses tickets that are forged, altered, for another cluster, used, or of the other kind', async () => {
    const at = await bench(database())
    const proposal = await proposed(at)
    await approve(at.runner, web(person('ada')), decision(proposal))
    const ticket = await claim(at.runner, proposal.id, at.runner.privateKey)
    const before = clusterState(at.shop.cluster)
    const other = newApprovalKeys()
    const run = async (signed: typeof ticket): Promise<string> => (await at.runner.executor.execute(signed, async () => {})).text
    expect(await run(signTicket(ticket.ticket, other.privateKey))).toMatch(/not signed/)
    expect(await run({ ...ticket, ticket: { ...ticket.ticket, plan: { ...ticket.ticket.plan, summary: 'x', params: { a: 1 } } } })).toMatch(
      /not signed/,
    )
    expect(await run(signTicket({ ...ticket.ticket, plan: { ...ticket.ticket.plan, requests: [] } }, at.runner.privateKey))).toMatch(
      /not the one that was approved/,
    )
    expect(await run(signTicket({ ...ticket.ticket, kind: 'revert', undo: ticket.ticket.plan.undoRequests }, at.runner.privateKey))).toMatch(
      /cannot be used to execute/,
    )
    expect(clusterState(at.shop.cluster)).toBe(before)
    expect(await run(ticket)).toMatch(/labelled/)
    expect(await run(ticket)).toMatch(/used before/)
    await at.stop()
  })

  it('expires what nobody decided on, by itself', async () => {
    const at = await bench(database())
    const proposal = await proposed(at)
    at.clock.advance(at.shop.policy.decideWithinMinutes * 60_000 + 1)
    await expireOverdue(at.runner)
    expect((await getProposal(database(), { id: proposal.id }))?.state).toBe('expired')
    await at.stop()
  })

  describe('drift', () => {
    const target: ActionTarget['kind'] = 'pod'
    const changes: [string, (shop: Shop) => void, RegExp][] = [
      [
        'the pod is recreated under its name',
        ({ cluster: { store } }) => {
          const pod = store.get('pods', 'shop', 'checkout-7d9f-aaaaa')
          store.remove('pods', 'shop', 'checkout-7d9f-aaaaa', {}, false)
          if (pod !== undefined) store.create('pods', { ...pod, metadata: { ...pod.metadata, uid: 'another' } }, false)
        },
        /was replaced/,
      ],
      [
        'the pod is gone',
        ({ cluster: { store } }) => {
          store.remove('pods', 'shop', 'checkout-7d9f-aaaaa', {}, false)
        },
        /no longer exists/,
      ],
      [
        'its labels change',
        (shop) => change(shop, (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { app: 'checkout', extra: '1' } } })),
        /labels changed/,
      ],
      [
        'its image changes',
        (shop) => change(shop, (pod) => ({ ...pod, spec: { ...pod.spec, containers: [{ name: 'app', image: 'evil:1' }] } })),
        /images changed/,
      ],
      [
        'its specification changes',
        (shop) => change(shop, (pod) => ({ ...pod, spec: { ...pod.spec, nodeName: 'node-2' } })),
        /specification changed/,
      ],
      [
        'its owner changes',
        (shop) => change(shop, (pod) => ({ ...pod, metadata: { ...pod.metadata, ownerReferences: [] } })),
        /owner changed/,
      ],
      [
        'more is affected',
        ({ cluster: { store } }) => {
          store.create(
            'services',
            {
              apiVersion: 'v1',
              kind: 'Service',
              metadata: { name: 'payments', namespace: 'shop' },
              spec: { selector: { app: 'checkout' } },
            },
            false,
          )
        },
        /also affect Service shop\/payments/,
      ],
      [
        'another cluster answers',
        ({ cluster: { store } }) => {
          const system = store.get('namespaces', null, 'kube-system')
          store.remove('namespaces', null, 'kube-system', {}, false)
          if (system !== undefined) store.create('namespaces', { ...system, metadata: { ...system.metadata, uid: 'other' } }, false)
        },
        /Another cluster/,
      ],
    ]
    const change = (
      { cluster: { store } }: Shop,
      to: (pod: NonNullable<ReturnType<typeof store.get>>) => NonNullable<ReturnType<typeof store.get>>,
    ): void => {
      const pod = store.get('pods', 'shop', 'checkout-7d9f-aaaaa')
      if (pod !== undefined) store.update('pods', to(pod), false)
    }

    it.each(changes)('does nothing when %s', async (_name, drift, message) => {
      const at = await bench(database())
      const proposal = await proposed(at, 'kubernetes.isolate_pod', [target, podUid])
      await approve(at.runner, web(person('ada')), decision(proposal))
      drift(at.shop)
      const before = clusterState(at.shop.cluster)
      const done = await executeProposal(at.runner, proposal.id)
      expect(clusterState(at.shop.cluster)).toBe(before)
      expect(done?.stateReason).toMatch(message)
      expect(['superseded', 'failed']).toContain(done?.state)
      if (done?.state === 'superseded')
        expect((await getProposal(database(), { id: done.supersededBy as string }))?.state).toBe('requested')
      await at.stop()
    })

    it('is not seen in mere status churn', async () => {
      const at = await bench(database())
      const proposal = await proposed(at)
      await approve(at.runner, web(person('ada')), decision(proposal))
      change(at.shop, (pod) => ({ ...pod, status: { phase: 'Running', restarts: 9 } }))
      expect((await executeProposal(at.runner, proposal.id))?.state).toBe('succeeded')
      await at.stop()
    })
  })
})
