/** What becomes of a run nobody saw the end of: looked at and recorded, by whom and when, on both databases. */
import { expect, it } from 'vitest'
import type { ExecutionResult, Proposal } from '../domain/proposal.ts'
import { listAudit } from '../store/audit.ts'
import { artifactsOf, getProposal } from '../store/proposals.ts'
import { eachDatabase } from '../test/support/database.ts'
import { ada, approved, type Bench, caseOf, denied, everyAction, openBench } from '../test/support/executor-bench.ts'
import type { Fate } from '../test/support/executor-tap.ts'
import { clusterState, declaredState, inProcessExecutor } from '../test/support/shop.ts'
import { claim, recordWithinMs, runWithinMs } from './claim.ts'
import { executeProposal, revertProposal } from './execute.ts'
import { recoverInterrupted } from './recover.ts'

const held = runWithinMs + recordWithinMs

eachDatabase('recovery', (database) => {
  const now = async ({ id }: Proposal): Promise<Proposal> => (await getProposal(database(), { id })) as Proposal
  const otherServer = (at: Bench): Bench['runner'] => ({
    ...at.runner,
    executor: inProcessExecutor(at.tap, at.clock, at.shop.keys, at.shop.policy),
  })

  it('records what an interrupted run left, never runs it again, and offers the undo of what was done', async () => {
    for (const when of ['before', 'between', 'after'] as const) {
      const at = await openBench(database())
      const clean = declaredState(at.shop.cluster)
      const proposal = await approved(at, caseOf('isolate_pod'))
      const ticket = await claim(at.runner, proposal.id, at.runner.privateKey)
      if (when === 'between') at.tap.decide = () => (at.tap.writes().length > 1 ? { status: 403, message: 'no' } : 'forward')
      if (when !== 'before') await at.runner.executor.execute(ticket, async () => {})
      at.tap.decide = () => 'forward'
      at.tap.clear()
      const before = clusterState(at.shop.cluster)
      expect(await recoverInterrupted(at.runner, 'all')).toBe(1)
      expect(clusterState(at.shop.cluster)).toBe(before)
      expect(at.tap.writes()).toEqual([])
      const found = await now(proposal)
      expect(found.state).toBe({ before: 'failed', between: 'partial', after: 'succeeded' }[when])
      expect(found.result?.undo).toEqual(proposal.plan?.undoRequests.slice({ before: 2, between: 1, after: 0 }[when]))
      if (when !== 'before') expect(await revertProposal(at.runner, ada, proposal.id, '')).toMatchObject({ state: 'reverted' })
      expect(declaredState(at.shop.cluster)).toBe(clean)
      await at.stop()
    }
  })

  it('leaves a living server alone: only when its claim is over does another look', async () => {
    for (const what of everyAction) {
      const at = await openBench(database())
      const proposal = await approved(at, what)
      const other = otherServer(at)
      let looked = 0
      at.tap.decide = async ({ write, path }): Promise<Fate> => {
        if (!write && !path.endsWith('/log')) return 'forward'
        // In the middle of it another server starts, and its housekeeping runs up to the claim's last moment.
        looked += await recoverInterrupted(other, 'lapsed')
        return 'forward'
      }
      expect((await executeProposal(at.runner, proposal.id))?.state, what.action).toBe('succeeded')
      expect(looked).toBe(0)
      at.clock.advance(held + 1)
      expect(await recoverInterrupted(other, 'lapsed')).toBe(0)
      await at.stop()
    }
  })

  it('lets the server that ran it correct what others could only look at, once, and not after an undo', async () => {
    for (const undone of [false, true]) {
      const at = await openBench(database())
      const proposal = await approved(at, caseOf('isolate_pod'))
      const other = otherServer(at)
      const { execute } = at.runner.executor
      at.runner.executor.execute = async (...given): Promise<ExecutionResult> => {
        const result = await execute(...given)
        // Its server sleeps longer than its claim holds, and another takes it for dead.
        at.clock.advance(held + 1)
        expect(await recoverInterrupted(other, 'lapsed')).toBe(1)
        expect(await now(proposal)).toMatchObject({ state: 'succeeded', stateReason: expect.stringMatching(/interrupted/) })
        if (undone) await revertProposal(other, ada, proposal.id, '')
        return result
      }
      const told = await executeProposal(at.runner, proposal.id)
      if (undone) {
        expect(told).toBeUndefined()
        expect((await now(proposal)).state).toBe('reverted')
      } else expect(told).toMatchObject({ state: 'succeeded', stateReason: expect.not.stringMatching(/interrupted/) })
      const corrected = (await listAudit(database(), { subject: `proposal/${proposal.id}` })).filter((entry) => 'corrects' in entry.details)
      expect(corrected).toHaveLength(undone ? 0 : 1)
      await at.stop()
    }
  })

  it('waits for a cluster that cannot be reached, and then tells the truth', async () => {
    const at = await openBench(database())
    const proposal = await approved(at, caseOf('cordon_node'))
    const ticket = await claim(at.runner, proposal.id, at.runner.privateKey)
    await at.runner.executor.execute(ticket, async () => {})
    at.tap.decide = () => 'drop'
    expect(await recoverInterrupted(at.runner, 'all')).toBe(0)
    expect((await now(proposal)).state).toBe('executing')
    at.tap.decide = () => 'forward'
    expect(await recoverInterrupted(at.runner, 'all')).toBe(1)
    expect((await now(proposal)).state).toBe('succeeded')
    await at.stop()
  })

  it('tells of an interrupted collection by what is stored, not by the cluster', async () => {
    for (const files of [0, 1, 2]) {
      const at = await openBench(database())
      const proposal = await approved(at, caseOf('collect_logs'))
      const { execute } = at.runner.executor
      at.runner.executor.execute = async (ticket, keep): Promise<ExecutionResult> => {
        let kept = 0
        await execute(ticket, async (artifact) => {
          if ((kept += 1) <= files) await keep(artifact)
        })
        throw new Error('the executor process ended before it answered')
      }
      const found = await executeProposal(at.runner, proposal.id)
      expect(found?.state).toBe((['failed', 'partial', 'succeeded'] as const)[files])
      expect(await artifactsOf(database(), proposal.id)).toHaveLength(files)
      await at.stop()
    }
  })

  it('tells of an interrupted undo by what is undone', async () => {
    for (const when of ['before', 'between', 'after'] as const) {
      const at = await openBench(database())
      const clean = declaredState(at.shop.cluster)
      const proposal = await approved(at, caseOf('isolate_pod'))
      await executeProposal(at.runner, proposal.id)
      const { revert } = at.runner.executor
      at.tap.clear()
      at.runner.executor.revert = async (ticket): Promise<ExecutionResult> => {
        if (when === 'between') at.tap.decide = () => (at.tap.writes().length > 1 ? { status: 403, message: 'no' } : 'forward')
        if (when !== 'before') await revert(ticket)
        at.tap.decide = () => 'forward'
        throw new Error('the executor process ended before it answered')
      }
      const found = await revertProposal(at.runner, ada, proposal.id, '')
      expect(found?.state).toBe(when === 'after' ? 'reverted' : 'partial')
      at.runner.executor.revert = revert
      if (when !== 'after') expect((await revertProposal(at.runner, ada, proposal.id, ''))?.state).toBe('reverted')
      expect(declaredState(at.shop.cluster)).toBe(clean)
      expect(await denied(revertProposal(at.runner, ada, proposal.id, ''))).toBe('state')
      await at.stop()
    }
  })

  it('says of a request without an answer whether it was carried out', async () => {
    for (const [fate, state] of [
      ['lose', 'partial'],
      ['drop', 'failed'],
    ] as const) {
      const at = await openBench(database())
      const clean = declaredState(at.shop.cluster)
      const proposal = await approved(at, caseOf('cordon_node'))
      at.tap.decide = ({ write }) => (write ? fate : 'forward')
      const found = await executeProposal(at.runner, proposal.id)
      at.tap.decide = () => 'forward'
      expect(found, fate).toMatchObject({
        state,
        stateReason: expect.stringMatching(fate === 'lose' ? /it was carried out/ : /Nothing was changed/),
      })
      if (fate === 'lose') expect((await revertProposal(at.runner, ada, proposal.id, ''))?.state).toBe('reverted')
      expect(declaredState(at.shop.cluster)).toBe(clean)
      await at.stop()
    }
  })
})
