/**
 * Guarantee 16: an approval executes at most once, whatever happens at once: double clicks, two servers' workers, rejecting and
 * approving, expiry, undoing twice, a server taken for dead. Each run is one order of all their steps, drawn from the seed.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { DeniedError, UpstreamError } from '../../domain/errors.ts'
import type { Plan, Proposal } from '../../domain/proposal.ts'
import { approve, reject } from '../../responses/approve.ts'
import { recordWithinMs, runWithinMs } from '../../responses/claim.ts'
import { executeProposal, expireOverdue, revertProposal, type Runner } from '../../responses/execute.ts'
import { recoverInterrupted } from '../../responses/recover.ts'
import { listAudit, verifyAudit } from '../../store/audit.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { getProposal } from '../../store/proposals.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from '../support/database.ts'
import {
  ada,
  asArrived,
  type Bench,
  bob,
  decision,
  everyAction,
  expectedArrivals,
  openBench,
  person,
  planned,
  web,
} from '../support/executor-bench.ts'
import { declaredState, inProcessExecutor } from '../support/shop.ts'
import { cases, full, seed } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 3_600_000 : 120_000 })
const steps = ['approve ada', 'approve bob', 'reject', 'execute', 'revert', 'expire', 'outlive', 'break'] as const
type Step = (typeof steps)[number]
/** Who does what, one after the other; all of them at once. */
const actors = fc.array(fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 5 })
const likely = fc.constantFrom<Step[]>(['approve ada', 'execute', 'execute'], ['approve ada', 'execute', 'revert', 'revert'])

type Server = { runner: Runner; gate: Gate }
type Gate = { pass: (label: string) => Promise<unknown> }

/** A server of its own: its pool of connections, its executor; every transaction first waits for its turn. */
function serverOf(at: Bench, db: Database, gate: Gate): Server {
  const gated: Database = {
    ...db,
    kind: db.kind,
    query: (statement) => db.query(statement),
    close: () => db.close(),
    transaction: async (work) => {
      await gate.pass('transaction')
      return db.transaction(work)
    },
  }
  return { gate, runner: { ...at.runner, db: gated, executor: inProcessExecutor(at.tap, at.clock, at.shop.keys, at.shop.policy) } }
}

const tolerated = (error: unknown): undefined => {
  // A serialisation failure would be an error here: none is expected.
  if (error instanceof DeniedError || error instanceof UpstreamError) return undefined
  throw error
}

async function perform(step: Step, { runner }: Server, at: Bench, proposal: Proposal, broken: { next: boolean }): Promise<void> {
  const request = decision(proposal)
  if (step === 'approve ada') await approve(runner, ada, request).catch(tolerated)
  else if (step === 'approve bob') await approve(runner, bob, request).catch(tolerated)
  else if (step === 'reject') await reject(runner, web(person('eve')), request).catch(tolerated)
  else if (step === 'execute') await executeProposal(runner, proposal.id).catch(tolerated)
  else if (step === 'revert') await revertProposal(runner, ada, proposal.id, '').catch(tolerated)
  else if (step === 'break') broken.next = true
  else if (step === 'expire') {
    at.clock.advance(at.shop.policy.startWithinMinutes * 60_000 + 1)
    await expireOverdue(runner)
  } else {
    // The claims of whoever is at work now are over: another server takes them for dead.
    at.clock.advance(runWithinMs + recordWithinMs + 1)
    await recoverInterrupted(runner, 'lapsed')
  }
}

/** What the requests that reached the cluster allow the proposal to say of itself. */
function judge(at: Bench, proposal: Proposal, log: string[], clean: string): void {
  const plan = proposal.plan as Plan
  const arrived = asArrived(at.tap.writes())
  const forward = expectedArrivals(plan.requests)
  const back = expectedArrivals(plan.undoRequests)
  const told = `${proposal.action} ${proposal.state}, ${proposal.stateReason}\n${log.join('\n')}`
  for (const one of new Set(arrived)) {
    expect([...forward, ...back], told).toContain(one)
    expect(arrived.filter((other) => other === one).length, `sent twice: ${one}\n${told}`).toBe(1)
  }
  const reached = asArrived(at.tap.writes().filter((one) => one.reached))
  const done = forward.filter((one) => reached.includes(one)).length
  const undone = back.filter((one) => reached.includes(one)).length
  const claims = log.filter((entry) => entry === 'proposal claimed').length
  expect(claims, told).toBeLessThanOrEqual(1)
  if (claims === 0) {
    expect(arrived, told).toEqual([])
    expect(['pending', 'approved', 'rejected', 'expired'], told).toContain(proposal.state)
  }
  if (!log.includes('proposal approved')) expect(claims, told).toBe(0)
  if (proposal.state === 'failed' && forward.length > 0 && undone === 0) expect(done, told).toBe(0)
  if (proposal.state === 'succeeded' && forward.length > 0) expect([done, undone], told).toEqual([forward.length, 0])
  if (proposal.state === 'reverted') expect(declaredState(at.shop.cluster), told).toBe(clean)
  if (['rejected', 'expired', 'superseded'].includes(proposal.state)) expect(done, told).toBe(0)
  expect(proposal.state, told).not.toBe('executing')
  expect(proposal.state, told).not.toBe('reverting')
}

/** One run: everybody at once, one step at a time in the scheduler's order; then the dust settles. */
async function interleave(
  dbs: readonly Database[],
  what: (typeof everyAction)[number],
  given: { schedule: fc.Scheduler; orders: Step[][] },
): Promise<string> {
  const at = await openBench(dbs[0] as Database)
  const proposal = await planned(at, what)
  at.tap.clear()
  const clean = declaredState(at.shop.cluster)
  const gate: Gate = { pass: (label) => given.schedule.schedule(Promise.resolve(), label) }
  const broken = { next: false }
  at.tap.decide = async (arrival) => {
    await gate.pass(arrival.path)
    if (!broken.next || !arrival.write) return 'forward'
    broken.next = false
    return arrival.number % 2 === 0 ? 'lose' : 'drop'
  }
  const servers = dbs.map((db) => serverOf(at, db, gate))
  await given.schedule.waitFor(
    Promise.all(
      given.orders.map(async (order, index) => {
        for (const step of order) await perform(step, servers[index % servers.length] as Server, at, proposal, broken)
      }),
    ),
  )
  at.tap.decide = () => 'forward'
  await settle(at)
  const end = (await getProposal(dbs[0] as Database, { id: proposal.id })) as Proposal
  judge(at, end, await actionsOf(dbs[0] as Database, proposal.id), clean)
  await at.stop()
  return end.state
}

async function settle(at: Bench): Promise<void> {
  at.clock.advance(runWithinMs + recordWithinMs + 1)
  await recoverInterrupted(at.runner, 'lapsed')
}
const actionsOf = async (db: Database, id: string): Promise<string[]> =>
  (await listAudit(db, { subject: `proposal/${id}`, limit: 1_000 })).map((entry) => entry.action)

const kinds: [string, () => Promise<{ dbs: Database[]; drop: () => Promise<void> }>, boolean][] = [
  [
    'two servers on one embedded database',
    async () => {
      const db = await embeddedDatabase()
      return { dbs: [db, db], drop: () => db.close() }
    },
    false,
  ],
  [
    'two servers on one Postgres',
    async () => {
      const own = await serverDatabase(serverUrl as string)
      const dbs = [await openDatabase({ url: own.url }), await openDatabase({ url: own.url })]
      return {
        dbs,
        drop: async () => {
          for (const db of dbs) await db.close()
          await own.drop()
        },
      }
    },
    serverUrl === undefined,
  ],
]

for (const [title, open, skip] of kinds) {
  let dbs: Database[]
  let drop: () => Promise<void>
  beforeAll(async () => {
    if (!skip) ({ dbs, drop } = await open())
  })
  afterAll(async () => drop?.())

  it.skipIf(skip)(`guarantee 16: at most once in every order of steps, ${title}`, async () => {
    const ends = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.constantFrom(...everyAction),
        fc.oneof(
          { weight: 3, arbitrary: fc.tuple(likely, actors).map(([first, rest]) => [first, ...rest]) },
          { weight: 1, arbitrary: actors },
        ),
        async (schedule, what, orders) => {
          const end = await interleave(dbs, what, { schedule, orders })
          ends.set(end, (ends.get(end) ?? 0) + 1)
        },
      ),
      { numRuns: cases(500, 25), seed, endOnFailure: true },
    )
    expect((await verifyAudit(dbs[0] as Database)).broken).toBeNull()
    // A proof that never executed anything would prove nothing.
    expect(ends.get('succeeded') ?? 0).toBeGreaterThan(0)
    expect(ends.size).toBeGreaterThan(2)
  })
}
