/**
 * Guarantees 15 and 20: a plan expires, an approval expires, a run expires, each to the millisecond, and expired, rejected and
 * unavailable stay apart; and what policy caps or protects is refused, however it is asked for.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ExecutionResult, Plan, Proposal } from '../../domain/proposal.ts'
import { approve, reject } from '../../responses/approve.ts'
import { claim, runWithinMs } from '../../responses/claim.ts'
import { executeProposal, expireOverdue } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { checkPlan, checkProposal, loadPolicy, type Policy } from '../../responses/policy.ts'
import { propose } from '../../responses/propose.ts'
import { getProposal } from '../../store/proposals.ts'
import { eachDatabase, embeddedDatabase } from '../support/database.ts'
import {
  ada,
  agent,
  approved,
  type Bench,
  bob,
  decision,
  denied,
  entityId,
  everyAction,
  openBench,
  planned,
} from '../support/executor-bench.ts'
import { rewriteProposal } from '../support/executor-rows.ts'
import { clusterState, inProcessExecutor, shopObjects } from '../support/shop.ts'
import { cases, full, property } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 3_600_000 : 120_000 })
const minute = 60_000

eachDatabase('expiry', (database) => {
  describe.each(everyAction)('$action', (what) => {
    let at: Bench
    beforeAll(async () => {
      at = await openBench(database())
    })
    afterAll(async () => at.stop())
    const stateOf = async ({ id }: Proposal): Promise<string | undefined> => (await getProposal(database(), { id }))?.state
    const decideBy = (): number => at.shop.policy.decideWithinMinutes * minute
    const startBy = (): number => at.shop.policy.startWithinMinutes * minute

    it('guarantee 15: a plan can be decided on up to its last millisecond, and not one later', async () => {
      const inTime = await planned(at, what)
      at.clock.advance(decideBy())
      expect(await expireOverdue(at.runner)).toBe(0)
      expect(await denied(reject(at.runner, ada, decision(inTime)))).toBe('allowed')
      const late = await planned(at, what)
      at.clock.advance(decideBy() + 1)
      expect(await denied(approve(at.runner, ada, decision(late)))).toBe('expired')
      expect(await denied(reject(at.runner, ada, decision(late)))).toBe('state')
      expect([await stateOf(inTime), await stateOf(late)]).toEqual(['rejected', 'expired'])
    })

    it('guarantee 15: an approval can be started up to its last millisecond, by the server and by the executor', async () => {
      const late = await approved(at, what)
      at.clock.advance(startBy() + 1)
      expect(await denied(claim(at.runner, late.id, at.runner.privateKey))).toBe('expired')
      expect(await stateOf(late)).toBe('expired')
      const slow = await approved(at, what)
      at.clock.advance(startBy())
      const executor = {
        ...at.runner.executor,
        // The executor comes to it one millisecond after: it was slow to start, or busy.
        execute: async (...given: Parameters<typeof at.runner.executor.execute>) => {
          at.clock.advance(1)
          return at.runner.executor.execute(...given)
        },
      }
      at.tap.clear()
      const refused = await executeProposal({ ...at.runner, executor }, slow.id)
      expect(refused).toMatchObject({ state: 'expired', result: { status: 'refused', refusal: 'expired' } })
      const inTime = await approved(at, what)
      at.clock.advance(startBy())
      const { ticket } = await claim(at.runner, inTime.id, at.runner.privateKey)
      expect(Date.parse(ticket.expiresAt)).toBe(at.clock.now().getTime())
      expect(Date.parse(ticket.finishBy)).toBe(at.clock.now().getTime() + runWithinMs)
      expect(at.tap.writes()).toEqual([])
      await rewriteProposal(database(), inTime.id, { state: 'failed' })
    })

    it('guarantee 15: a run that takes too long sends nothing more, and says so', async () => {
      const proposal = await approved(at, what)
      const before = clusterState(at.shop.cluster)
      at.tap.clear()
      let advanced = false
      at.tap.decide = ({ path, method }) => {
        // After admission and drift, while it reads what it needs: time runs out.
        if (!advanced && method === 'GET' && at.tap.arrivals.filter((one) => one.path === path).length > 1) {
          advanced = true
          at.clock.advance(runWithinMs + 1)
        }
        return 'forward'
      }
      const done = await executeProposal(at.runner, proposal.id)
      at.tap.decide = () => 'forward'
      expect(advanced).toBe(true)
      expect(at.tap.writes()).toEqual([])
      expect(clusterState(at.shop.cluster)).toBe(before)
      if (what.action !== 'kubernetes.collect_logs')
        expect(done).toMatchObject({ state: 'failed', stateReason: expect.stringMatching(/too long/) })
    })

    it('guarantee 15: expired, rejected and unavailable are three different ends', async () => {
      const rejected = await planned(at, what)
      await reject(at.runner, bob, { ...decision(rejected), reason: 'not now' })
      const expired = await planned(at, what)
      at.clock.advance(decideBy() + 1)
      await expireOverdue(at.runner)
      const unavailable = await approved(at, what)
      at.tap.decide = () => 'drop'
      await executeProposal(at.runner, unavailable.id)
      at.tap.decide = () => 'forward'
      const ends = await Promise.all([rejected, expired, unavailable].map(({ id }) => getProposal(database(), { id })))
      expect(ends.map((end) => end?.state)).toEqual(['rejected', 'expired', 'failed'])
      expect(ends[0]?.stateReason).toBe('not now')
      expect(ends[1]?.stateReason).toMatch(/Nobody decided in time/)
      expect(ends[2]).toMatchObject({
        stateReason: expect.stringMatching(/Nothing was done.*cannot be reached/),
        result: { refusal: 'unavailable' },
      })
    })
  })
})

const policy = loadPolicy()
const somePlan = (over: Partial<Plan>): Plan => ({
  action: 'kubernetes.scale_workload',
  params: { replicas: 1 },
  target: { scope: 's', kind: 'workload', entityId: '1', namespace: 'shop', name: 'w', uid: 'u', workloadKind: 'Deployment' },
  declared: { specDigest: '', labels: {}, owner: null, images: [] },
  requests: [],
  blastRadius: { summary: '', affected: [] },
  summary: '',
  diff: '',
  warnings: [],
  undo: null,
  undoRequests: [],
  simulated: true,
  clusterId: 'c',
  evidenceFirst: [],
  ...over,
})
const refused = (work: () => unknown): string => {
  try {
    work()
    return 'allowed'
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error)
  }
}

describe('caps and protection', () => {
  const namespace = fc.constantFrom('shop', 'kube-system', 'kube-public', 'falconer', 'kube-system ', 'Kube-System', 'default')
  const object = fc.record({
    kind: fc.constantFrom('Pod', 'Service', 'Node'),
    namespace: fc.option(namespace),
    name: fc.string({ maxLength: 5 }),
  })

  it('guarantee 20: a plan beyond a cap, in a protected namespace, or of Falconer’s own parts is refused, and no other', () => {
    fc.assert(
      fc.property(
        fc.record({
          namespace: fc.option(namespace),
          labels: fc.dictionary(fc.constantFrom('app', 'app.kubernetes.io/part-of'), fc.constantFrom('falconer', 'shop')),
          affected: fc.array(object, { maxLength: 6 }),
          maxAffected: fc.integer({ min: 1, max: 5 }),
          replicas: fc.integer({ min: 0, max: 60 }),
          action: fc.constantFrom(...Object.keys(policy.actions), 'kubernetes.unknown'),
        }),
        ({ labels, affected, maxAffected, replicas, action, ...given }) => {
          const own: Policy = { ...policy, maxAffected }
          const { target } = somePlan({})
          const plan = somePlan({
            action,
            params: { replicas },
            target: { ...target, namespace: given.namespace },
            declared: { specDigest: '', labels, owner: null, images: [] },
            blastRadius: { summary: '', affected },
          })
          const isProtected = (one: string | null): boolean => one !== null && policy.protectedNamespaces.includes(one)
          const proposal =
            !(action in policy.actions) || isProtected(given.namespace) || (action === 'kubernetes.scale_workload' && replicas > 50)
          const whole =
            proposal ||
            labels['app.kubernetes.io/part-of'] === 'falconer' ||
            affected.length > maxAffected ||
            affected.some((one) => isProtected(one.namespace))
          expect(refused(() => checkProposal(own, action, plan.params, plan.target))).toBe(proposal ? 'policy' : 'allowed')
          expect(refused(() => checkPlan(own, plan))).toBe(whole ? 'policy' : 'allowed')
        },
      ),
      property(1_000, 200),
    )
  })

  it('guarantee 20: a burst of proposals by agents stops at the cap, also when they come at once; people go on', async () => {
    const db = await embeddedDatabase()
    const many = cases(1_000, 60)
    const cap = Math.ceil(many / 3)
    const pods = Array.from({ length: many }, (_, index) => {
      const [pod] = shopObjects().filter((one) => one.kind === 'Pod')
      return { ...pod, metadata: { ...pod?.metadata, name: `burst-${index}`, uid: `burst-uid-${index}`, ownerReferences: [] } }
    })
    const at = await openBench(db, {
      policy: { ...policy, agentProposalsPerHour: cap },
      seed: { objects: [...shopObjects(), ...pods] as never },
    })
    const ask = async (index: number, by = agent): Promise<string> =>
      denied(
        propose(at.runner, by, {
          action: 'kubernetes.collect_logs',
          entityId: await entityId(at, ['pod', `burst-uid-${index}`]),
          params: {},
          reason: 'burst',
          incidentId: null,
          investigationId: null,
        }),
      )
    const outcomes: string[] = []
    for (let index = 0; index < many; index += 20)
      outcomes.push(...(await Promise.all(Array.from({ length: Math.min(20, many - index) }, (_, offset) => ask(index + offset)))))
    expect(outcomes.filter((one) => one === 'allowed').length).toBe(cap)
    expect(outcomes.filter((one) => one === 'burst').length).toBe(many - cap)
    expect(await ask(many - 1, ada)).toBe('allowed')
    at.clock.advance(60 * minute + 1)
    expect(await ask(many - 2)).toBe('allowed')
    await at.stop()
    await db.close()
  })

  it('guarantee 20: what became protected after it was approved is not done, by the server nor by the executor', async () => {
    const db = await embeddedDatabase()
    for (const what of everyAction) {
      const at = await openBench(db)
      const shielded: Policy = { ...at.shop.policy, protectedNamespaces: ['shop'], protectedLabels: {} }
      if (what.target[0] === 'node') shielded.actions = {}
      const proposal = await approved(at, what)
      const { ticket, signature } = await claim(at.runner, proposal.id, at.runner.privateKey)
      at.tap.clear()
      expect(refused(() => checkPlan(shielded, ticket.plan))).toBe('policy')
      const strict = inProcessExecutor(at.tap, at.clock, at.shop.keys, shielded)
      const result: ExecutionResult = await strict.execute({ ticket, signature }, async () => {})
      expect(result).toMatchObject({ status: 'refused', refusal: 'policy' })
      await rewriteProposal(db, proposal.id, { state: 'approved', expiresAt: proposal.expiresAt })
      expect(await denied(executeProposal({ ...at.runner, policy: shielded }, proposal.id))).toBe('policy')
      expect(at.tap.writes()).toEqual([])
      await at.stop()
    }
    await db.close()
  })

  it('guarantee 20: Falconer’s own parts are refused when planned, whoever asks', async () => {
    const db = await embeddedDatabase()
    const objects = shopObjects().map((one) => ({
      ...one,
      metadata: { ...one.metadata, labels: { ...one.metadata.labels, 'app.kubernetes.io/part-of': 'falconer' } },
    }))
    const at = await openBench(db, { seed: { objects } })
    for (const what of everyAction) {
      const { proposal } = await propose(at.runner, ada, {
        ...what,
        entityId: await entityId(at, what.target),
        reason: '',
        incidentId: null,
        investigationId: null,
      })
      const end = await planProposal(at.runner, at.runner.executor, proposal.id)
      expect(end).toMatchObject({ state: 'unplannable', stateReason: expect.stringMatching(/policy protects/) })
    }
    await at.stop()
    await db.close()
  })
})
