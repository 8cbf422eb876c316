/** The executor as the process it is: what it is told, what it keeps for whom, and what becomes of requests when it dies. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import type { Artifact, Plan } from '../../domain/proposal.ts'
import { claim } from '../../responses/claim.ts'
import { executeProposal } from '../../responses/execute.ts'
import type { Database } from '../../store/database.ts'
import { artifactsOf } from '../../store/proposals.ts'
import { embeddedDatabase } from '../../test/support/database.ts'
import { approved, asArrived, type Bench, caseOf, expectedArrivals, openBench, planned } from '../../test/support/executor-bench.ts'
import { launchExecutor } from './launch.ts'

describe('the executor process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'falconer-executor-'))
  let db: Database
  let at: Bench
  let executor: Awaited<ReturnType<typeof launchExecutor>>
  const kubeconfigPath = join(folder, 'kubeconfig')
  beforeAll(async () => {
    db = await embeddedDatabase()
    at = await openBench(db, {}, new FixedClock(new Date()))
    writeFileSync(kubeconfigPath, at.tap.kubeconfig('executor'))
    executor = await launchExecutor({
      kubeconfigPath,
      context: null,
      inCluster: false,
      publicKey: at.shop.keys.publicKey,
      policy: at.shop.policy,
      actionsEnabled: false,
      scope: at.scope,
      environment: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    })
    at.runner.executor = executor
  })
  afterAll(async () => {
    await executor.close()
    await at.stop()
    await db.close()
    rmSync(folder, { recursive: true })
  })

  it('has an environment of its own, without anything of the server’s', () => {
    const names = readFileSync(`/proc/${executor.pid()}/environ`, 'utf8')
      .split('\0')
      .map((entry) => entry.split('=')[0])
    expect(names.filter((name) => name !== '' && !name?.startsWith('NODE_CHANNEL')).sort()).toEqual(['KUBERNETES_SERVICE_HOST', 'PATH'])
  })

  it('plans, executes and undoes over the pipe, byte for byte, and refuses what was changed on it', async () => {
    const proposal = await approved(at, caseOf('isolate_pod'))
    const signed = await claim(at.runner, proposal.id, at.runner.privateKey)
    const plan = proposal.plan as Plan
    at.tap.clear()
    const changed = { ...signed, ticket: { ...signed.ticket, plan: { ...plan, summary: 'nothing much' } } }
    expect(await executor.execute(changed, async () => {})).toMatchObject({ status: 'refused', refusal: 'forged' })
    expect(at.tap.arrivals).toEqual([])
    expect(await executor.execute(signed, async () => {})).toMatchObject({ status: 'succeeded' })
    expect(asArrived(at.tap.writes())).toEqual(expectedArrivals(plan.requests))
    expect(await executor.standing(plan.requests)).toEqual([true, true])
    expect(await executor.standing(plan.undoRequests)).toEqual([false, false])
  })

  it('stores evidence with the proposal it is of, and stops when that fails', async () => {
    const proposal = await approved(at, caseOf('collect_logs'))
    expect((await executeProposal(at.runner, proposal.id))?.state).toBe('succeeded')
    expect(await artifactsOf(db, proposal.id)).toHaveLength(2)
    const deletion = await approved(at, caseOf('delete_pod'))
    const signed = await claim(at.runner, deletion.id, at.runner.privateKey)
    at.tap.clear()
    const full = async (): Promise<void> => {
      throw new Error('the disk is full')
    }
    expect(await executor.execute(signed, full)).toMatchObject({ status: 'failed', text: expect.stringMatching(/the disk is full/) })
    expect(at.tap.writes()).toEqual([])
  })

  it('runs one change after the other, and each keeps its own', async () => {
    const first = await approved(at, { ...caseOf('collect_logs'), params: { tailLines: 1 } })
    const second = await approved(at, { ...caseOf('collect_logs'), params: { tailLines: 2 } })
    const kept: Record<string, Artifact[]> = { first: [], second: [] }
    const run = async (id: string, name: string) =>
      executor.execute(await claim(at.runner, id, at.runner.privateKey), async (artifact) => {
        kept[name]?.push(artifact)
      })
    await Promise.all([run(first.id, 'first'), run(second.id, 'second')])
    expect([kept.first?.length, kept.second?.length]).toEqual([2, 2])
  })

  it('is started again when it died; requests that change nothing may be asked again, a change may not', async () => {
    const before = executor.pid()
    let died = false
    at.tap.decide = () => {
      if (!died) process.kill(executor.pid() ?? 0, 'SIGKILL')
      died = true
      return 'forward'
    }
    await expect(planned(at, { ...caseOf('collect_logs'), params: { tailLines: 3 } })).rejects.toMatchObject({ retryable: true })
    at.tap.decide = () => 'forward'
    expect((await executor.status()).reachable).toBe(true)
    expect(executor.pid()).not.toBe(before)
    const proposal = await approved(at, caseOf('cordon_node'))
    let deaths = 0
    at.tap.decide = ({ write }) => {
      if (!write) return 'forward'
      deaths += 1
      process.kill(executor.pid() ?? 0, 'SIGKILL')
      return 'forward'
    }
    expect(await executeProposal(at.runner, proposal.id)).toMatchObject({
      state: 'succeeded',
      stateReason: expect.stringMatching(/not run again/),
    })
    at.tap.decide = () => 'forward'
    expect(deaths).toBe(1)
  })

  it('does not hang on one that never starts', async () => {
    const broken = launchExecutor({
      kubeconfigPath: join(folder, 'there-is-none'),
      context: null,
      inCluster: false,
      publicKey: at.shop.keys.publicKey,
      policy: at.shop.policy,
      actionsEnabled: false,
      scope: at.scope,
    })
    await expect(broken).rejects.toThrow(/there-is-none/)
  })
})
