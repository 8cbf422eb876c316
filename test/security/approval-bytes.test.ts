/**
 * Guarantee 13: executed bytes = approved bytes. Every place of every action's plan is changed after approval: in the row, in the
 * ticket, in a ticket the true key signed, and by somebody who rewrites row, hash and approval alike. Nothing of it is ever sent.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { DeniedError } from '../../domain/errors.ts'
import type { ExecutionResult, Plan, PlannedRequest, Proposal } from '../../domain/proposal.ts'
import { approve } from '../../responses/approve.ts'
import { planHash, type SignedTicket, signTicket } from '../../responses/approved.ts'
import { claim } from '../../responses/claim.ts'
import { executeProposal, revertProposal } from '../../responses/execute.ts'
import { getProposal } from '../../store/proposals.ts'
import { eachDatabase } from '../support/database.ts'
import {
  ada,
  approved,
  asArrived,
  type Bench,
  bob,
  type Case,
  caseOf,
  decision,
  denied,
  everyAction,
  expectedArrivals,
  openBench,
  planned,
} from '../support/executor-bench.ts'
import { mutations } from '../support/executor-mutations.ts'
import { rewriteApprovals, rewriteProposal } from '../support/executor-rows.ts'
import { clusterState } from '../support/shop.ts'
import { full, seed } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 900_000 : 90_000 })
/** Of many, all in a full run, else every tenth, starting elsewhere each day. */
const share = <T>(all: readonly T[]): T[] => all.filter((_, index) => full || index % 10 === seed % 10)
const topLevel =
  'action params target declared requests blastRadius summary diff warnings undo undoRequests simulated clusterId evidenceFirst'.split(' ')

eachDatabase('executed bytes', (database) => {
  describe.each(everyAction)('$action', (what: Case) => {
    let at: Bench
    let proposal: Proposal
    let plan: Plan
    let clean: string
    beforeAll(async () => {
      at = await openBench(database())
      proposal = await approved(at, what)
      plan = proposal.plan as Plan
      clean = clusterState(at.shop.cluster)
      at.tap.clear()
    })
    afterAll(async () => at.stop())
    const again = (over: Parameters<typeof rewriteProposal>[2]): Promise<void> =>
      rewriteProposal(database(), proposal.id, {
        state: 'approved',
        plan,
        planHash: proposal.planHash,
        expiresAt: proposal.expiresAt,
        ...over,
      })
    const untouched = (): void => {
      expect(at.tap.writes()).toEqual([])
      expect(clusterState(at.shop.cluster)).toBe(clean)
    }

    it('guarantee 13: a plan changed in its row is not claimed, whichever field it is, and says so', async () => {
      const all = mutations(plan)
      expect(new Set(all.map((one) => one.path.split('.')[0]))).toEqual(new Set(topLevel))
      for (const { path, how, value } of share(all)) {
        await again({ plan: value })
        expect(await denied(executeProposal(at.runner, proposal.id)), `${path}: ${how}`).toBe('altered')
        expect(await getProposal(database(), { id: proposal.id })).toMatchObject({
          state: 'failed',
          stateReason: expect.stringMatching(/not the one/),
        })
      }
      expect(all.length).toBeGreaterThan(60)
      untouched()
    })

    it('guarantee 13: a plan changed before approval is not approved, not even with its new hash in the row alone', async () => {
      for (const { path, how, value } of share(mutations(plan))) {
        await rewriteProposal(database(), proposal.id, { state: 'pending', plan: value, planHash: proposal.planHash })
        expect(await denied(approve(at.runner, bob, decision(proposal))), `${path}: ${how}`).toBe('altered')
        await again({ plan: value, planHash: planHash(value) })
        const refusal = await denied(executeProposal(at.runner, proposal.id))
        expect(['entitlement', 'policy', 'actions_off', 'altered'], `${path}: ${how}`).toContain(refusal)
      }
      untouched()
    })

    it('guarantee 13: a ticket changed on its way is refused, whichever field it is, also under the true key', async () => {
      await again({})
      const signed = await claim(at.runner, proposal.id, at.runner.privateKey)
      const run = async (ticket: unknown, signature: string): Promise<ExecutionResult> =>
        at.runner.executor.execute({ ticket, signature } as SignedTicket, async () => {})
      const ofTicket = mutations(signed.ticket)
      expect(new Set(ofTicket.map((one) => one.path.split('.')[0]))).toEqual(new Set(Object.keys(signed.ticket)))
      for (const { path, how, value } of share(ofTicket)) {
        // A key that no ticket has is dropped when it is read: what is left is what was signed.
        if (how === 'a key more' && !/params|labels|body/.test(path)) continue
        expect(await run(value, signed.signature), `${path}: ${how}`).toMatchObject({ status: 'refused', refusal: 'forged' })
      }
      for (const { path, how, value } of share(mutations(plan))) {
        if (how === 'a key more' && !/params|labels|body/.test(path)) continue
        const resigned = signTicket({ ...signed.ticket, claimId: path + how, plan: value }, at.runner.privateKey)
        const refused = await run(resigned.ticket, resigned.signature)
        expect(refused, `${path}: ${how}`).toMatchObject({ status: 'refused' })
        expect(['altered', 'forged'], `${path}: ${how}`).toContain(refused.refusal)
      }
      untouched()
    })

    it('guarantee 13: whoever rewrites plan, hash and approval alike has nothing sent but what the executor itself plans', async () => {
      // No request follows from these, and nobody but the database vouches for them then.
      const without = /^(warnings|evidenceFirst|blastRadius|target\.(scope|entityId))/
      const all = mutations(plan).filter(
        ({ path }) => !without.test(path) && !(path === 'target.workloadKind' && what.target[0] !== 'workload'),
      )
      for (const { path, how, value } of share(all)) {
        const hash = planHash(value)
        await again({ plan: value, planHash: hash })
        await rewriteApprovals(database(), proposal.id, hash)
        const done = await executeProposal(at.runner, proposal.id).catch((error: unknown) => {
          if (error instanceof DeniedError) return undefined
          throw error
        })
        if (done !== undefined) expect(['superseded', 'failed'], `${path}: ${how}: ${done.stateReason}`).toContain(done.state)
        // What it was superseded by is in the way of the next one.
        if (done?.supersededBy != null) await rewriteProposal(database(), done.supersededBy, { state: 'expired' })
      }
      await rewriteApprovals(database(), proposal.id, proposal.planHash as string)
      untouched()
    })

    it('guarantee 13: what arrives is what was approved, each once and in order; and the undo too', async () => {
      await again({})
      const done = await executeProposal(at.runner, proposal.id)
      expect(done?.state).toBe('succeeded')
      expect(asArrived(at.tap.writes())).toEqual(expectedArrivals(plan.requests))
      if (!what.undoable) return
      const { result } = done as Proposal & { result: ExecutionResult }
      at.tap.clear()
      const changed = clusterState(at.shop.cluster)
      const foreign: PlannedRequest = { verb: 'delete', resource: 'pods', namespace: 'shop', name: 'checkout-7d9f-bbbbb', body: null }
      for (const undo of [
        ...mutations(result.undo).map((one) => one.value),
        [foreign],
        [...result.undo, foreign],
        [...result.undo, ...result.undo],
      ]) {
        await rewriteProposal(database(), proposal.id, { state: 'succeeded', result: { ...result, undo } })
        const outcome = await denied(revertProposal(at.runner, ada, proposal.id, ''))
        if (undo.length >= result.undo.length) expect(outcome).toBe('altered')
        else expect(['irreversible', 'allowed', 'altered']).toContain(outcome)
        if (outcome === 'allowed') {
          // Less than the whole undo is part of what was approved.
          expect(expectedArrivals(result.undo)).toEqual(expect.arrayContaining(asArrived(at.tap.writes())))
          return
        }
        expect(clusterState(at.shop.cluster)).toBe(changed)
      }
      await rewriteProposal(database(), proposal.id, { state: 'succeeded', result })
      expect((await revertProposal(at.runner, ada, proposal.id, ''))?.state).toBe('reverted')
      expect(asArrived(at.tap.writes())).toEqual(expectedArrivals(plan.undoRequests))
      expect(plan.undoRequests).toEqual(result.undo)
    })
  })

  it('guarantee 13: the hash is of what was shown: card, approval, row and ticket carry the same', async () => {
    const at = await openBench(database())
    const waiting = await planned(at, caseOf('isolate_pod'))
    expect(waiting.planHash).toBe(planHash(waiting.plan as Plan))
    await approve(at.runner, ada, decision(waiting))
    const { ticket } = await claim(at.runner, waiting.id, at.runner.privateKey)
    expect(ticket.planHash).toBe(waiting.planHash)
    expect(planHash(ticket.plan)).toBe(waiting.planHash)
    await at.stop()
  })
})
