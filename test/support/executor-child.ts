/**
 * A server in small, as a process that can be killed: the real database, the real executor process, one task. Told on the command
 * line; says on its output which process its executor is, and what came of the task. It can kill itself around its nth transaction.
 */
import { systemClock } from '../../domain/clock.ts'
import { launchExecutor } from '../../apps/executor/launch.ts'
import type { Principal } from '../../domain/principal.ts'
import { type ApprovalKeys } from '../../responses/approved.ts'
import { executeProposal, revertProposal, type Runner } from '../../responses/execute.ts'
import type { Policy } from '../../responses/policy.ts'
import { type Database, openDatabase } from '../../store/database.ts'

export type ChildTask = {
  database: { dataDir: string } | { url: string }
  kubeconfigPath: string
  scope: string
  keys: ApprovalKeys
  policy: Policy
  proposalId: string
  task: 'execute' | 'revert'
  /** inside: all of it is done, and not committed. after: committed, and nothing done since. */
  dieAt?: { transaction: number; when: 'inside' | 'after' }
}

// Of its own, so that the child loads little and starts fast.
const ada: Principal = { id: 'ada', kind: 'user', name: 'ada', role: 'responder', personId: 'ada', mayApprove: true }
const say = (message: object): boolean => process.stdout.write(`${JSON.stringify(message)}\n`)
const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('killed')
}

function mortal(db: Database, dieAt: ChildTask['dieAt']): Database {
  let count = 0
  return {
    kind: db.kind,
    query: (statement) => db.query(statement),
    close: () => db.close(),
    transaction: async (work) => {
      count += 1
      const mine = count === dieAt?.transaction
      const result = await db.transaction(async (tx) => {
        const inner = await work(tx)
        if (mine && dieAt?.when === 'inside') die()
        return inner
      })
      if (mine && dieAt?.when === 'after') die()
      return result
    },
  }
}

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '') as ChildTask
  const { keys, policy, scope, proposalId } = task
  const executor = await launchExecutor({
    kubeconfigPath: task.kubeconfigPath,
    context: null,
    inCluster: false,
    publicKey: keys.publicKey,
    policy,
    actionsEnabled: false,
    scope,
  })
  const db = mortal(await openDatabase(task.database), task.dieAt)
  say({ executor: executor.pid() })
  const runner: Runner = { db, clock: systemClock, policy, actionsEnabled: false, executor, privateKey: keys.privateKey }
  const done =
    task.task === 'execute'
      ? await executeProposal(runner, proposalId)
      : await revertProposal(runner, { principal: ada, channel: 'web' }, proposalId, '')
  say({ state: done?.state ?? null })
  await executor.close()
  await db.close()
}

if (import.meta.main) await main()
