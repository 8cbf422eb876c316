/** Who and what is refused, each with its reason: principals, targets, parameters, bursts, tickets, and real clusters. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { demoPrincipal } from '../domain/principal.ts'
import type { Proposal } from '../domain/proposal.ts'
import { insertUser, setUserDisabled, setUserRole } from '../store/people.ts'
import { listEntities } from '../store/entities.ts'
import { eachDatabase } from '../test/support/database.ts'
import {
  ada,
  agent,
  approved,
  type Bench,
  bob,
  caseOf,
  decision,
  denied,
  entityId,
  openBench,
  person,
  planned,
  web,
} from '../test/support/executor-bench.ts'
import { clusterState } from '../test/support/shop.ts'
import { approve } from './approve.ts'
import { newApprovalKeys, type SignedTicket, signTicket } from './approved.ts'
import { claim } from './claim.ts'
import { planProposal } from './plan-requested.ts'
import { propose, targetOf } from './propose.ts'

eachDatabase('refusals', (database) => {
  let shared: Bench
  beforeAll(async () => {
    shared = await openBench(database())
  })
  afterAll(async () => shared.stop())

  it('refuses agents, tokens, lesser roles, other plans, and the proposer where the policy says so', async () => {
    const { runner } = shared
    const proposal = await planned(shared, caseOf('isolate_pod'))
    expect(await denied(approve(runner, agent, decision(proposal)))).toBe('entitlement')
    expect(await denied(approve(runner, web({ ...person('t'), kind: 'token', mayApprove: false }), decision(proposal)))).toBe('entitlement')
    expect(await denied(approve(runner, web(person('eve', 'investigator')), decision(proposal)))).toBe('entitlement')
    expect(await denied(approve(runner, ada, { ...decision(proposal), planHash: 'v1:0' }))).toBe('plan_changed')
    const own = await planned(shared, caseOf('delete_pod'), ada)
    expect(await denied(approve(runner, ada, decision(own)))).toBe('proposer')
    expect((await approve(runner, bob, decision(own))).state).toBe('approved')
  })

  it('refuses to execute what people approved who were demoted or disabled since', async () => {
    const db = database()
    const at = await openBench(db)
    for (const change of ['demoted', 'disabled'] as const) {
      const user = await db.transaction((tx) =>
        insertUser(tx, {
          name: `approver ${at.scope} ${change}`,
          role: 'responder',
          webauthnHandle: Buffer.from(at.scope + change),
          createdBy: null,
          at: at.clock.now(),
        }),
      )
      const id = user?.id ?? ''
      const proposal = await planned(at, caseOf('isolate_pod'))
      await approve(at.runner, web({ ...person(id), name: 'approver' }), decision(proposal))
      await db.transaction((tx) => (change === 'demoted' ? setUserRole(tx, id, 'viewer') : setUserDisabled(tx, id, at.clock.now())))
      expect(await denied(claim(at.runner, proposal.id, at.runner.privateKey))).toBe('entitlement')
    }
    expect(at.tap.writes()).toEqual([])
    await at.stop()
  })

  it('refuses targets that inventory did not record, protected ones, and parameters beyond schema or limits', async () => {
    const { runner, scope } = shared
    const request = (action: string, entityId: string, params: Record<string, unknown> = {}) =>
      propose(runner, agent, { action, entityId, params, reason: '', incidentId: null, investigationId: null })
    await expect(request('kubernetes.isolate_pod', 'checkout-7d9f-aaaaa')).rejects.toThrow(/not an inventory record/)
    await expect(request('kubernetes.isolate_pod', '999999999')).rejects.toThrow(/not an inventory record/)
    const node = await entityId(shared, ['node', 'node-1'])
    const workload = await entityId(shared, ['workload', 'deploy-uid-1'])
    await expect(request('kubernetes.isolate_pod', node)).rejects.toThrow(/acts on a pod/)
    await expect(request('kubernetes.cordon_node', node, { force: true })).rejects.toThrow(/Unrecognized key/)
    await expect(request('kubernetes.scale_workload', workload, { replicas: 51 })).rejects.toThrow(/policy allows/)
    await expect(request('kubernetes.isolate_pod', await entityId(shared, ['pod', 'pod-uid-proxy']))).rejects.toThrow(/protected/)
    await expect(request('kubernetes.format_disk', '1')).rejects.toThrow(/no action/)
    const derived = (await listEntities(runner.db, { scope, limit: 1_000 })).find((one) => one.kind === 'image')
    expect(() => targetOf({ ...(derived as NonNullable<typeof derived>), kind: 'pod', origin: 'derived' })).toThrow(
      /inventory never recorded/,
    )
  })

  it('caps what agents may propose within an hour, and tells them so', async () => {
    const at = await openBench(database(), { policy: { ...shared.shop.policy, agentProposalsPerHour: 2 } })
    await planned(at, caseOf('isolate_pod'))
    await planned(at, caseOf('cordon_node'))
    expect(await denied(planned(at, caseOf('collect_logs')))).toBe('burst')
    expect((await planned(at, caseOf('collect_logs'), ada)).state).toBe('pending')
    at.clock.advance(3_600_001)
    expect((await planned(at, caseOf('delete_pod'))).state).toBe('pending')
    await at.stop()
  })

  it('refuses the demo principal, and everybody while actions are off, where the cluster is real', async () => {
    const at = await openBench(database())
    const real = (await planned(at, caseOf('isolate_pod'))).plan as NonNullable<Proposal['plan']>
    const executor = { ...at.runner.executor, plan: async () => ({ ...real, simulated: false }) }
    const what = caseOf('collect_logs')
    const { proposal } = await propose(at.runner, agent, {
      ...what,
      entityId: await entityId(at, what.target),
      reason: '',
      incidentId: null,
      investigationId: null,
    })
    const plannedReal = (await planProposal(at.runner, executor, proposal.id)) as Proposal
    expect(plannedReal.plan?.simulated).toBe(false)
    expect(await denied(approve(at.runner, web(demoPrincipal), decision(plannedReal)))).toBe('simulated_only')
    expect(await denied(approve(at.runner, ada, decision(plannedReal)))).toBe('actions_off')
    await at.stop()
  })

  it('refuses tickets that are forged, of the other kind, for another cluster, late, or used', async () => {
    const at = await openBench(database())
    const proposal = await approved(at, caseOf('isolate_pod'))
    const signed = await claim(at.runner, proposal.id, at.runner.privateKey)
    const { ticket } = signed
    const before = clusterState(at.shop.cluster)
    const run = async (one: SignedTicket): Promise<string> => {
      const { status, text } = await at.runner.executor.execute(one, async () => {})
      expect(status === 'refused' || status === 'partial' || status === 'succeeded' || status === 'failed').toBe(true)
      return text
    }
    const resign = (change: Partial<typeof ticket>): SignedTicket => signTicket({ ...ticket, ...change }, at.runner.privateKey)
    expect(await run(signTicket(ticket, newApprovalKeys().privateKey))).toMatch(/not signed/)
    expect(await run(resign({ kind: 'revert', undo: ticket.plan.undoRequests }))).toMatch(/cannot be used to execute/)
    expect(await run(resign({ claimId: 'b', finishBy: new Date(at.clock.now().getTime() - 1).toISOString() }))).toMatch(/took too long/)
    const system = at.shop.cluster.store.get('namespaces', null, 'kube-system')
    at.tap.decide = (arrival) => (arrival.path.endsWith('/kube-system') ? { status: 404, message: 'gone' } : 'forward')
    expect(await run(resign({ claimId: 'c' }))).toMatch(/told from others/)
    at.tap.decide = () => 'forward'
    expect(system?.metadata.uid).toBe(ticket.plan.clusterId)
    expect(clusterState(at.shop.cluster)).toBe(before)
    expect(await run(signed)).toMatch(/labelled/)
    expect(await run(signed)).toMatch(/used before/)
    await at.stop()
  })
})
