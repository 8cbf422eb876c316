/**
 * Guarantee 14: approvers are distinct, entitled, and not the proposer where policy says so; what is resolved is final. Sequences of
 * decisions by many principals against a model of the rules (test/support/approval-model.ts), with the clock moving and policies changing between.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import type { Principal, Role } from '../../domain/principal.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { approve, reject } from '../../responses/approve.ts'
import { newApprovalKeys } from '../../responses/approved.ts'
import { executeProposal, expireOverdue, revertProposal, type Runner } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { propose } from '../../responses/propose.ts'
import { findEntity } from '../../store/entities.ts'
import { getProposal } from '../../store/proposals.ts'
import { Model, setting, type Who } from '../support/approval-model.ts'
import { runnerFor } from '../support/approval-runner.ts'
import { eachDatabase } from '../support/database.ts'
import { denied, web } from '../support/executor-bench.ts'
import { recordInventory } from '../support/shop.ts'
import { full, property, seed } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 7_200_000 : 240_000 })

const who: fc.Arbitrary<Who> = fc.record({
  person: fc.constantFrom('ada', 'bob', 'cyd', 'dee'),
  role: fc.constantFrom<Role>('responder', 'responder', 'administrator', 'investigator', 'viewer'),
  kind: fc.constantFrom<Principal['kind']>('user', 'user', 'user', 'token', 'agent', 'demo'),
  mayApprove: fc.constant(true),
  login: fc.integer({ min: 0, max: 1 }),
})
const principalOf = ({ person, role, kind, login }: Who): Principal => ({
  id: `${person}-${login}`,
  kind,
  name: person,
  role,
  personId: person,
  mayApprove: kind === 'user' || kind === 'demo',
})

type Command =
  | { do: 'approve' | 'reject'; by: Who; hash: 'right' | 'wrong' }
  | { do: 'execute' }
  | { do: 'revert'; by: Who }
  | { do: 'wait'; minutes: number }
  | { do: 'sweep' }
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('approve' as const), by: who, hash: fc.constantFrom('right', 'right', 'right', 'wrong') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reject' as const), by: who, hash: fc.constant('right' as const) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'execute' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revert' as const), by: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.constantFrom(1, 11, 11, 61) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
)
const able = (person: string): Who => ({ person, role: 'administrator', kind: 'user', mayApprove: true, login: 0 })
const approval = (person: string): Command => ({ do: 'approve', by: able(person), hash: 'right' })
/** Half of them begin as a life usually does, so that its later states are met often. */
const sequence = fc.oneof(
  fc.array(command, { minLength: 3, maxLength: 10 }),
  fc
    .tuple(
      fc.constantFrom<Command[]>([approval('bob')], [approval('bob'), { do: 'execute' }]),
      fc.array(command, { minLength: 2, maxLength: 7 }),
    )
    .map(([first, rest]) => [...first, ...rest]),
)

eachDatabase('sequences', (database) => {
  const clock = new FixedClock('2026-11-24T12:00:00Z')
  const { privateKey } = newApprovalKeys()
  let entityId: string
  let reasons: Map<string, number>
  beforeAll(async () => {
    await recordInventory(database(), clock, 'sequences')
    entityId = String((await findEntity(database(), { scope: 'sequences', kind: 'pod', key: 'pod-uid-checkout-1' }))?.id)
  })
  afterAll(() => reasons.clear())

  async function pending(runner: Runner, proposer: string): Promise<Proposal> {
    const by = web({ ...principalOf({ person: proposer, role: 'responder', kind: 'user', mayApprove: true, login: 0 }) })
    const { proposal, created } = await propose(runner, by, {
      action: 'kubernetes.isolate_pod',
      entityId,
      params: {},
      reason: '',
      incidentId: null,
      investigationId: null,
    })
    expect(created).toBe(true)
    return (await planProposal(runner, runner.executor, proposal.id)) as Proposal
  }

  async function perform(runner: Runner, model: Model, proposal: Proposal, one: Command): Promise<[string, string]> {
    if (one.do === 'wait') {
      clock.advance(one.minutes * 60_000)
      model.wait(one.minutes)
      return ['', '']
    }
    if (one.do === 'sweep') {
      await expireOverdue(runner)
      model.sweep()
      return ['', '']
    }
    if (one.do === 'execute') return [await denied(executeProposal(runner, proposal.id)), model.execute()]
    if (one.do === 'revert') return [await denied(revertProposal(runner, web(principalOf(one.by)), proposal.id, '')), model.revert(one.by)]
    const decide = one.do === 'approve' ? approve : reject
    const planHash = one.hash === 'right' ? (proposal.planHash as string) : 'v1:another'
    const request = { proposalId: proposal.id, planHash, reason: '', shownDigest: null }
    return [await denied(decide(runner, web(principalOf(one.by)), request)), model.decide(one.do, one.by, one.hash)]
  }

  it('guarantee 14: every sequence of decisions ends as the rules say, and each refusal has the rule’s reason', async () => {
    reasons = new Map()
    const size = database().kind === 'embedded' ? 10_000 : 3_000
    await fc.assert(
      fc.asyncProperty(setting, sequence, async (given, commands) => {
        const runs = { execute: 0, revert: 0 }
        const runner = runnerFor({ db: database(), clock, privateKey }, given, runs)
        const proposal = await pending(runner, given.proposer)
        const model = new Model(given)
        for (const [index, one] of commands.entries()) {
          const [got, expected] = await perform(runner, model, proposal, one)
          expect(got, `${index}: ${JSON.stringify(one)}`).toBe(expected)
          reasons.set(`${one.do} ${got}`, (reasons.get(`${one.do} ${got}`) ?? 0) + 1)
        }
        const end = await getProposal(database(), { id: proposal.id })
        expect(end?.state).toBe(model.state)
        expect(runs).toEqual({ execute: model.executions, revert: model.reverts })
        // Nothing open is left in the way of the next sequence.
        clock.advance(61 * 60_000)
        await expireOverdue(runner)
      }),
      { ...property(size), seed, endOnFailure: true },
    )
    // Every rule was met: a proof in which nobody was refused would prove nothing.
    for (const met of ['approve allowed', 'approve entitlement', 'approve proposer', 'approve plan_changed', 'approve simulated_only'])
      expect(reasons.get(met) ?? 0, met).toBeGreaterThan(0)
    for (const met of [
      'approve actions_off',
      'approve expired',
      'approve state',
      'reject allowed',
      'execute allowed',
      'execute state',
      'execute expired',
    ])
      expect(reasons.get(met) ?? 0, met).toBeGreaterThan(0)
    expect(reasons.get('revert allowed') ?? 0).toBeGreaterThan(0)
  })
})
