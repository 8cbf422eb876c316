/**
 * Guarantee 16, with kill -9: the server or its executor is killed at every step of an execution and of an undo, for every action:
 * before and after each transaction, and at each request. What comes back looks, records, and never sends a second time.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { launchExecutor } from '../../apps/executor/launch.ts'
import { FixedClock } from '../../domain/clock.ts'
import { DeniedError } from '../../domain/errors.ts'
import type { Plan, Proposal } from '../../domain/proposal.ts'
import { recordWithinMs, runWithinMs } from '../../responses/claim.ts'
import { executeProposal, revertProposal, type Runner } from '../../responses/execute.ts'
import { recoverInterrupted } from '../../responses/recover.ts'
import type { Database } from '../../store/database.ts'
import { artifactsOf, getProposal } from '../../store/proposals.ts'
import { embeddedDatabase, serverUrl } from '../support/database.ts'
import { ada, approved, asArrived, type Case, everyAction, expectedArrivals, openBench } from '../support/executor-bench.ts'
import {
  folder,
  killAt,
  type Kind,
  type Point,
  prepare,
  type Prepared,
  runChild,
  type Scene,
  stage,
  successor,
} from '../support/executor-kill.ts'
import type { Arrival, Tap } from '../support/executor-tap.ts'
import { declaredState } from '../support/shop.ts'
import { cases, full, seed } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 10_800_000 : 600_000, hookTimeout: 240_000 })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Kill = { what: Case; task: 'execute' | 'revert'; point: Point }

/** Every point of every action, counted in a run that nobody kills. */
async function everyKill(db: Database): Promise<Kill[]> {
  const kills: Kill[] = []
  for (const what of everyAction) {
    const at = await openBench(db)
    const proposal = await approved(at, what)
    at.tap.clear()
    const done = await executeProposal(at.runner, proposal.id)
    expect(done?.state).toBe('succeeded')
    const stored = (await artifactsOf(db, proposal.id)).length
    kills.push(...pointsOf(at.tap.arrivals, 2 + stored).map((point) => ({ what, task: 'execute' as const, point })))
    at.tap.clear()
    if (what.undoable) {
      await revertProposal(at.runner, ada, proposal.id, '')
      kills.push(...pointsOf(at.tap.arrivals, 2).map((point) => ({ what, task: 'revert' as const, point })))
    }
    await at.stop()
  }
  return kills
}

/** A read that is answered or not tells nothing new; a request that could change something is killed at in three ways. */
const pointsOf = (arrivals: readonly Arrival[], transactions: number): Point[] => [
  ...arrivals.flatMap(({ method }, index) =>
    (method === 'GET' ? (['before'] as const) : (['before', 'meanwhile', 'after'] as const)).map((when) => ({ request: index + 1, when })),
  ),
  ...Array.from({ length: transactions }, (_, index) => index + 1).flatMap((transaction) =>
    (['inside', 'after'] as const).map((when) => ({ transaction, when })),
  ),
]

/** As many as the size of this run asks for, spread over all, starting elsewhere each day. */
function drawn(kills: readonly Kill[], count: number): Kill[] {
  const step = kills.length / count
  return Array.from({ length: count }, (_, index) => kills[(Math.floor(index * step) + seed * 7) % kills.length] as Kill)
}

type Seen = { plan: Plan; tap: Tap; told: string; again: Runner }

/** What the cluster was sent, against what the proposal says of itself; and nothing was sent twice. */
async function judge(found: Proposal, task: Kill['task'], seen: Omit<Seen, 'plan'>): Promise<void> {
  const all = { ...seen, plan: found.plan as Plan, told: `${seen.told}: ${found.state}, ${found.stateReason}` }
  const once = (): void => {
    const arrived = asArrived(all.tap.writes())
    expect(new Set(arrived).size, `sent twice, ${all.told}\n${arrived.join('\n')}`).toBe(arrived.length)
  }
  once()
  if (task === 'execute') await judgeExecution(found, all)
  else judgeRevert(found, all)
  once()
}

async function judgeExecution(found: Proposal, { plan, tap, told, again }: Seen): Promise<void> {
  const reached = tap.writes().filter((one) => one.reached).length
  const wanted = expectedArrivals(plan.requests).length
  if (found.state === 'approved') {
    // Killed before the claim was written: it is still to be executed, once.
    expect(reached, told).toBe(0)
    expect((await executeProposal(again, found.id))?.state, told).toBe('succeeded')
    return
  }
  expect(await executeProposal(again, found.id).catch((error: unknown) => error), told).toBeInstanceOf(DeniedError)
  if (wanted > 0) {
    expect(found.state, told).toBe(reached === 0 ? 'failed' : reached < wanted ? 'partial' : 'succeeded')
    expect(found.result?.undo, told).toEqual(reached === 0 ? [] : plan.undoRequests.slice(-reached))
  } else {
    const stored = (await artifactsOf(again.db, found.id)).length
    expect(found.state, told).toBe(stored === 0 ? 'failed' : stored < 2 ? 'partial' : 'succeeded')
  }
}

function judgeRevert(found: Proposal, { plan, tap, told }: Seen): void {
  const reached = tap.writes().filter((one) => one.reached).length
  if (found.state === 'succeeded') expect(reached, told).toBe(0)
  else expect(found.state, told).toBe(reached < expectedArrivals(plan.undoRequests).length ? 'partial' : 'reverted')
}

/** Whatever can be undone still leads back to where it began. */
async function undoes(again: Runner, id: string, told: string): Promise<void> {
  const { state, result } = (await getProposal(again.db, { id })) as Proposal
  if ((result?.undo.length ?? 0) > 0 && (state === 'succeeded' || state === 'partial'))
    expect(await revertProposal(again, ada, id, ''), told).toMatchObject({ state: 'reverted' })
}

describe.each([
  ['embedded', 80, 1, false],
  ['server', 1_000, 3, serverUrl === undefined],
] as const)('a server killed with -9, %s database', (kind, size, least, skip) => {
  const sources = new Map<string, Promise<Prepared>>()
  const preparedFor = ({ what, task }: Kill): Promise<Prepared> => {
    const key = `${what.action} ${task}`
    const known = sources.get(key) ?? prepare(kind, what, task)
    sources.set(key, known)
    return known
  }
  afterAll(async () => {
    for (const source of sources.values()) await (await source).drop()
  })

  async function oneKill(kill: Kill): Promise<string> {
    const from = await preparedFor(kill)
    const scene = await stage(from)
    const told = `${kill.what.action} ${kill.task} ${JSON.stringify(kill.point)}`
    try {
      const { output, signal } = await runChild(scene, from, kill.point)
      expect(signal, `${told} was not killed: ${output}`).toBe('SIGKILL')
      scene.tap.decide = () => 'forward'
      const db = await scene.open()
      await recover(kind, db, scene)
      const found = (await getProposal(db, { id: from.proposal.id })) as Proposal
      const again = successor(db, scene)
      await judge(found, kill.task, { tap: scene.tap, told, again })
      await undoes(again, found.id, told)
      if (kill.what.undoable) expect(declaredState(scene.shop.cluster), told).toBe(from.clean)
      await db.close()
      return found.state
    } finally {
      await scene.close()
    }
  }

  it.skipIf(skip)('guarantee 16: wherever it dies, nothing is sent twice and the end is told truly', async () => {
    const db = await embeddedDatabase()
    const all = await everyKill(db)
    await db.close()
    expect(all.length).toBeGreaterThan(150)
    const count = Math.min(all.length, cases(size, least))
    let ends = 0
    for (const kill of drawn(all, full ? count : least)) {
      expect(['approved', 'failed', 'partial', 'succeeded', 'reverted']).toContain(await oneKill(kill))
      ends += 1
    }
    expect(ends).toBe(full ? count : least)
  })
})

async function recover(kind: Kind, db: Database, scene: Scene): Promise<number> {
  if (kind === 'embedded') return recoverInterrupted(successor(db, scene), 'all')
  // Another server may live: nothing is touched before the claim is over.
  expect(await recoverInterrupted(successor(db, scene), 'lapsed')).toBe(0)
  return recoverInterrupted(successor(db, scene, new FixedClock(new Date(Date.now() + runWithinMs + recordWithinMs + 1_000))), 'lapsed')
}

describe('an executor killed with -9', () => {
  let db: Database
  beforeAll(async () => {
    db = await embeddedDatabase()
  })
  afterAll(async () => db.close())

  async function oneKill({ what, task, point }: Kill): Promise<void> {
    const at = await openBench(db, {}, new FixedClock(new Date()))
    const told = `${what.action} ${task} ${JSON.stringify(point)}`
    const kubeconfigPath = join(folder, `${at.scope}.kubeconfig`)
    writeFileSync(kubeconfigPath, at.tap.kubeconfig('executor'))
    const executor = await launchExecutor({
      kubeconfigPath,
      context: null,
      inCluster: false,
      publicKey: at.shop.keys.publicKey,
      policy: at.shop.policy,
      actionsEnabled: false,
      scope: at.scope,
    })
    const clean = declaredState(at.shop.cluster)
    const proposal = await approved(at, what)
    if (task === 'revert') await executeProposal(at.runner, proposal.id)
    at.tap.clear()
    const runner = { ...at.runner, executor }
    if ('request' in point) killAt(at.tap, point, () => process.kill(executor.pid() ?? 0, 'SIGKILL'))
    const found = await (task === 'execute' ? executeProposal(runner, proposal.id) : revertProposal(runner, ada, proposal.id, ''))
    at.tap.decide = () => 'forward'
    expect(found?.stateReason, told).toMatch(/interrupted/)
    await judge(found as Proposal, task, { tap: at.tap, told, again: at.runner })
    await undoes(at.runner, proposal.id, told)
    if (what.undoable) expect(declaredState(at.shop.cluster), told).toBe(clean)
    await executor.close()
    await at.stop()
  }

  it('guarantee 16: wherever it dies, its server looks, records, and sends nothing again', async () => {
    const all = (await everyKill(db)).filter(({ point }) => 'request' in point)
    for (const kill of drawn(all, full ? all.length : 3)) await oneKill(kill)
  })
})
