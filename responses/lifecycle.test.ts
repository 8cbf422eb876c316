/** The life of a proposal on both databases: planned, approved, executed once, verified, undone; asked for twice, quorum, planning. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listAudit, verifyAudit } from '../store/audit.ts'
import { artifactsOf, getProposal } from '../store/proposals.ts'
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
  everyAction,
  openBench,
  person,
  planned,
  web,
} from '../test/support/executor-bench.ts'
import { clusterState } from '../test/support/shop.ts'
import { approve, reject } from './approve.ts'
import { actions } from './catalog/catalog.ts'
import { executeProposal, expireOverdue, revertProposal } from './execute.ts'
import { planProposal } from './plan-requested.ts'
import { propose } from './propose.ts'
import { recoverInterrupted, requeueInterruptedPlanning } from './recover.ts'

it('the bench has one of each action', () => {
  expect(everyAction.map((one) => one.action).sort()).toEqual(actions.map((action) => action.name).sort())
})

eachDatabase('responses', (database) => {
  let shared: Bench
  beforeAll(async () => {
    shared = await openBench(database())
  })
  afterAll(async () => shared.stop())

  describe.each(everyAction)('$action', (what) => {
    it('changes nothing before approval, does what was approved once, and undoes it', async () => {
      const at = await openBench(database())
      const before = clusterState(at.shop.cluster)
      const proposal = await planned(at, what)
      expect(proposal).toMatchObject({ state: 'pending', plan: { simulated: true } })
      expect(await denied(executeProposal(at.runner, proposal.id))).toBe('state')
      await approve(at.runner, ada, decision(proposal))
      expect(at.tap.writes()).toEqual([])
      expect(clusterState(at.shop.cluster)).toBe(before)
      const done = await executeProposal(at.runner, proposal.id)
      expect(done).toMatchObject({ state: 'succeeded', result: { status: 'succeeded', observation: { level: 'effect_observed' } } })
      expect(clusterState(at.shop.cluster) === before).toBe(what.action === 'kubernetes.collect_logs')
      expect(await denied(executeProposal(at.runner, proposal.id))).toBe('state')
      if (what.undoable)
        expect(await revertProposal(at.runner, ada, proposal.id, 'false alarm')).toMatchObject({
          state: 'reverted',
          result: { status: 'succeeded', undo: [], observation: { level: 'applied', remaining: [] } },
        })
      else expect(await denied(revertProposal(at.runner, ada, proposal.id, ''))).toBe('irreversible')
      expect(await recoverInterrupted(at.runner, 'all')).toBe(0)
      await at.stop()
    })
  })

  it('keeps what it collected with its digest, and an audit entry of each step', async () => {
    const { runner } = shared
    const proposal = await planned(shared, caseOf('delete_pod'))
    await approve(runner, ada, decision(proposal))
    await executeProposal(runner, proposal.id)
    expect((await artifactsOf(runner.db, proposal.id)).map((one) => one.name)).toEqual([
      'checkout-7d9f-aaaaa.app.log',
      'checkout-7d9f-aaaaa.manifest.json',
    ])
    expect((await verifyAudit(runner.db)).broken).toBeNull()
    expect((await listAudit(runner.db, { subject: `proposal/${proposal.id}` })).map((entry) => entry.action)).toEqual([
      'proposal succeeded',
      'artifact stored',
      'artifact stored',
      'proposal claimed',
      'proposal approved',
      'proposal planned',
      'proposal requested',
    ])
  })

  it('gives the same open proposal to whoever asks for the same', async () => {
    const what = caseOf('cordon_node')
    const first = await planned(shared, what)
    const second = await propose(shared.runner, agent, {
      ...what,
      entityId: await entityId(shared, what.target),
      reason: 'again',
      incidentId: null,
      investigationId: null,
    })
    expect(second).toMatchObject({ created: false, proposal: { id: first.id } })
  })

  it('needs as many different people as the policy says, and writes down each decision once', async () => {
    const { policy } = shared.shop
    const quorum = { quorum: 2, approvers: 'responder' as const, proposerExcluded: false, params: {} }
    const at = await openBench(database(), { policy: { ...policy, actions: { ...policy.actions, 'kubernetes.isolate_pod': quorum } } })
    const proposal = await planned(at, caseOf('isolate_pod'))
    expect((await approve(at.runner, ada, decision(proposal))).state).toBe('pending')
    expect((await approve(at.runner, ada, decision(proposal))).state).toBe('pending')
    expect((await approve(at.runner, web({ ...person('ada'), id: 'ada-on-slack' }), decision(proposal))).state).toBe('pending')
    expect((await approve(at.runner, bob, decision(proposal))).state).toBe('approved')
    const log = await listAudit(database(), { subject: `proposal/${proposal.id}` })
    expect(log.filter((entry) => entry.action === 'proposal approved').map((entry) => entry.principal.id)).toEqual(['bob', 'ada'])
    await at.stop()
  })

  it('leaves a proposal requested while the cluster cannot be reached, and starts interrupted planning again', async () => {
    const at = await openBench(database())
    const what = caseOf('isolate_pod')
    const { proposal } = await propose(at.runner, agent, {
      ...what,
      entityId: await entityId(at, what.target),
      reason: '',
      incidentId: null,
      investigationId: null,
    })
    at.tap.decide = () => 'drop'
    await expect(planProposal(at.runner, at.runner.executor, proposal.id)).rejects.toThrow(/cannot be reached/)
    expect(await getProposal(database(), { id: proposal.id })).toMatchObject({
      state: 'requested',
      stateReason: expect.stringMatching(/cannot be reached/),
    })
    at.tap.decide = () => 'forward'
    let whilePlanning: string | undefined
    const slow = {
      ...at.runner.executor,
      plan: async (request: Parameters<typeof at.runner.executor.plan>[0]) => {
        await requeueInterruptedPlanning(at.runner, 'lapsed')
        whilePlanning = (await getProposal(database(), { id: proposal.id }))?.state
        await requeueInterruptedPlanning(at.runner, 'all')
        return at.runner.executor.plan(request)
      },
    }
    expect(await planProposal(at.runner, slow, proposal.id)).toBeUndefined()
    expect(whilePlanning).toBe('planning')
    expect((await getProposal(database(), { id: proposal.id }))?.state).toBe('requested')
    expect((await planProposal(at.runner, at.runner.executor, proposal.id))?.state).toBe('pending')
    await at.stop()
  })

  it('expires what nobody decided on, by itself', async () => {
    const at = await openBench(database())
    const proposal = await planned(at, caseOf('isolate_pod'))
    at.clock.advance(at.shop.policy.decideWithinMinutes * 60_000 + 1)
    await expireOverdue(at.runner)
    expect((await getProposal(database(), { id: proposal.id }))?.state).toBe('expired')
    await at.stop()
  })

  it('stays as decided: a rejection is final, and rejecting again changes nothing', async () => {
    const at = await openBench(database())
    const proposal = await planned(at, caseOf('isolate_pod'))
    await reject(at.runner, ada, { ...decision(proposal), reason: 'a drill' })
    expect(await denied(approve(at.runner, bob, decision(proposal)))).toBe('state')
    expect(await reject(at.runner, ada, decision(proposal))).toMatchObject({ state: 'rejected', stateReason: 'a drill' })
    const done = await approved(at, caseOf('isolate_pod'))
    expect(await denied(reject(at.runner, bob, decision(done)))).toBe('state')
    await at.stop()
  })
})
