/**
 * Falconer put together: the database, the executor process, and the loops that correlate, investigate, plan and execute.
 * State is in rows; each loop takes the next row that is due, so a crash loses nothing and a second server would share the work.
 */
import { EventEmitter } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { agentPrincipal } from '../../domain/principal.ts'
import { investigate } from '../../agent/investigate.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import { suggest } from '../../agent/suggest.ts'
import type { AuthContext } from '../../auth/people.ts'
import { connect, type ConnectionConfig } from '../../clusters/client.ts'
import { clusterEnvironment, type Config } from '../../config/config.ts'
import type { Clock } from '../../domain/clock.ts'
import { systemClock } from '../../domain/clock.ts'
import { DeniedError, UpstreamError } from '../../domain/errors.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import type { Executor, ClusterStatus } from '../../responses/executor.ts'
import { executeProposal, expireOverdue, type Runner } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { recoverInterrupted, requeueInterruptedPlanning } from '../../responses/recover.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { uninvestigated } from '../../store/incidents.ts'
import { countPending } from '../../store/segments.ts'
import { failInterrupted, type Investigation, noteRefusals } from '../../store/investigations.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { dropBefore, ensurePartitions } from '../../store/partitions.ts'
import { sweepExpired } from '../../store/people.ts'
import { listProposals } from '../../store/proposals.ts'
import { launchExecutor } from '../executor/launch.ts'
import { IntakeQueue } from './intake-queue.ts'
import { watchCluster } from './inventory.ts'
import { approvalKeys } from './keys.ts'
import { createLog, type Log } from './log.ts'
import { type Loop, startLoop } from './loop.ts'

export type ChangeKind = 'incidents' | 'proposals' | 'sources' | 'people'
export type Changes = { change: [ChangeKind]; closing: [] }
export type Falconer = {
  config: Config
  db: Database
  clock: Clock
  log: Log
  auth: AuthContext
  intake: IntakeQueue
  /** Emits 'change' with a ChangeKind, and 'closing' when the server stops; live pages listen. */
  changes: EventEmitter<Changes>
  responses: Runner
  /** Null: no cluster is configured. */
  cluster: ClusterStatus | null
  investigateNow(incidentId: string, by: string): Promise<Investigation>
  changed(kind: ChangeKind): void
  /** Resolves when nothing is left to correlate, investigate, plan or execute. */
  settle(): Promise<void>
  close(): Promise<void>
}
export type ComposeOptions = {
  clock?: Clock
  database?: Database
  /** Quiet time before an incident is investigated, milliseconds. */
  quietMs?: number
  /** A command works on the data for a moment, perhaps beside a server on the same database: it reaches no cluster, plans and executes nothing, and takes over nothing that was interrupted. */
  as?: 'server' | 'command'
}

export async function composeFalconer(config: Config, options: ComposeOptions = {}): Promise<Falconer> {
  const clock = options.clock ?? systemClock
  const log = createLog(config.FALCONER_LOG)
  const policy = loadPolicy(config.FALCONER_POLICY)
  const keys = await approvalKeys(config.FALCONER_DATA)
  const db =
    options.database ??
    (await openDatabase(config.DATABASE_URL === undefined ? { dataDir: config.FALCONER_DATA } : { url: config.DATABASE_URL.reveal() }))
  const serving = options.as !== 'command'
  const connection = serving ? connectionOf(config) : null
  const executor =
    connection === null
      ? noExecutor
      : await startExecutor(config, policy, keys.publicKey).catch(async (error: unknown) => {
          await db.close()
          throw error
        })
  const changes = new EventEmitter<Changes>().setMaxListeners(0)
  const loops: Record<string, Loop> = {}
  const wake = (name: string): void => loops[name]?.wake()
  const changed = (kind: ChangeKind): void => {
    changes.emit('change', kind)
    if (kind === 'proposals') {
      wake('plan')
      wake('execute')
    }
  }
  const intake = new IntakeQueue(db, clock, {
    maxWaitingBytes: 256 * 1024 * 1024,
    maxBatchBytes: 4 * 1024 * 1024,
    onCommitted: () => {
      wake('correlate')
      changes.emit('change', 'sources')
    },
  })
  const falconer: Falconer = {
    config,
    db,
    clock,
    log,
    intake,
    changes,
    changed,
    auth: { db, clock },
    responses: { db, clock, policy, actionsEnabled: config.FALCONER_ACTIONS, executor, privateKey: keys.privateKey },
    cluster: connection === null ? null : await executor.status(),
    async investigateNow(incidentId, by) {
      const scopeCluster = (scope: string): { simulated: boolean } | null =>
        falconer.cluster !== null && scope === config.FALCONER_SCOPE ? { simulated: falconer.cluster.simulated } : null
      const investigation = await investigate(db, clock, playbook, incidentId, { cluster: scopeCluster })
      log.info('incident investigated', {
        incidentId: investigation.incidentId,
        investigationId: investigation.id,
        by,
        status: investigation.status,
        verdict: investigation.report?.verdict,
      })
      if (investigation.report !== null) {
        const suggested = await suggest(falconer.responses, investigation.report, {
          incidentId: investigation.incidentId,
          investigationId: investigation.id,
        })
        await noteRefusals(
          db,
          investigation,
          new Map(suggested.flatMap((one, index) => ('refused' in one ? [[index, one.refused] as const] : []))),
        )
        changed('proposals')
      }
      changed('incidents')
      return investigation
    },
    async settle() {
      await intake.idle()
      for (const name of serving ? (['correlate', 'investigate', 'plan', 'execute'] as const) : (['correlate', 'investigate'] as const))
        if (serving) await loops[name]?.idle()
        else while (await steps[name]());
    },
    async close() {
      await inventory?.stop()
      await intake.idle()
      for (const loop of Object.values(loops)) await loop.stop()
      await executor.close()
      await db.close()
    },
  }
  if (serving) {
    await failInterrupted(db, clock.now())
    // Only the embedded database, which one process holds, tells that nobody else is at work on these.
    const which = db.kind === 'embedded' ? 'all' : 'lapsed'
    await requeueInterruptedPlanning(falconer.responses, which)
    if (connection !== null) await recoverInterrupted(falconer.responses, which)
  }
  await ensurePartitions(db, clock.now())
  const steps = stepsOf(falconer, options.quietMs ?? 3_000)
  if (serving) Object.assign(loops, startLoops(falconer, steps))
  let inventory: { stop(): Promise<void> } | null = null
  if (connection !== null) inventory = watchCluster(falconer, connect({ ...connection, kubeconfig: await textOf(connection.kubeconfig) }))
  return falconer
}

/** What there is to do, one step each; true: there may be more at once. */
type Steps = Record<'correlate' | 'investigate' | 'plan' | 'execute' | 'housekeeping', () => Promise<boolean>>
const everyMs: Record<keyof Steps, number> = { correlate: 2_000, investigate: 1_000, plan: 5_000, execute: 5_000, housekeeping: 30_000 }

function stepsOf(falconer: Falconer, quietMs: number): Steps {
  const { db, clock, responses } = falconer
  const nextProposal = async (state: 'requested' | 'approved', step: (id: string) => Promise<unknown>): Promise<boolean> => {
    const due = await listProposals(db, { states: [state] }, 20)
    for (const { id } of due.reverse()) {
      await step(id).catch((error: unknown) => {
        if (!(error instanceof DeniedError)) throw error
      })
      falconer.changed('incidents')
      falconer.changes.emit('change', 'proposals')
    }
    return due.length === 20
  }
  return {
    correlate: async () => {
      const { alerts } = await correlatePending(db, clock)
      if (alerts > 0) falconer.changed('incidents')
      return alerts > 0 && (await countPending(db)) > 0
    },
    investigate: async () => {
      const due = await uninvestigated(db, { minSeverity: 'medium', now: clock.now(), quietMs, limit: 5 })
      for (const incident of due) await falconer.investigateNow(incident.id, agentPrincipal.name)
      return due.length === 5
    },
    plan: () => nextProposal('requested', (id) => planProposal(responses, responses.executor, id)),
    execute: () => nextProposal('approved', (id) => executeProposal(responses, id)),
    housekeeping: async () => {
      if ((await expireOverdue(responses)) > 0) falconer.changed('proposals')
      // What another server left when it died, once its claims are over.
      await requeueInterruptedPlanning(responses, 'lapsed')
      if (falconer.cluster !== null && (await recoverInterrupted(responses, 'lapsed')) > 0) falconer.changed('proposals')
      await ensurePartitions(db, clock.now())
      await dropBefore(db, new Date(clock.now().getTime() - falconer.config.FALCONER_RETENTION_DAYS * 86_400_000))
      await sweepExpired(db, clock.now())
      if (falconer.cluster !== null) falconer.cluster = await responses.executor.status()
      return false
    },
  }
}

function startLoops({ log }: Falconer, steps: Steps): Record<string, Loop> {
  const failed =
    (loop: string) =>
    (error: unknown): void =>
      error instanceof UpstreamError && error.retryable
        ? log.warn('work postponed', { loop, error: error.message })
        : log.error('work failed', { loop, error })
  return Object.fromEntries(
    (Object.keys(steps) as (keyof Steps)[]).map((loop) => [loop, startLoop(everyMs[loop], steps[loop], failed(loop))]),
  )
}

const connectionOf = (config: Config): ConnectionConfig | null =>
  config.FALCONER_KUBECONFIG !== undefined || config.FALCONER_IN_CLUSTER
    ? { kubeconfig: config.FALCONER_KUBECONFIG, context: config.FALCONER_KUBE_CONTEXT, inCluster: config.FALCONER_IN_CLUSTER }
    : null
const textOf = async (path: string | undefined): Promise<string | undefined> => (path === undefined ? undefined : readFile(path, 'utf8'))

function startExecutor(config: Config, policy: Runner['policy'], publicKey: string): Promise<Executor> {
  const kubeconfigPath = config.FALCONER_EXECUTOR_KUBECONFIG ?? config.FALCONER_KUBECONFIG ?? null
  return launchExecutor({
    kubeconfigPath,
    context: config.FALCONER_EXECUTOR_KUBECONFIG === undefined ? (config.FALCONER_KUBE_CONTEXT ?? null) : null,
    inCluster: config.FALCONER_IN_CLUSTER && kubeconfigPath === null,
    publicKey,
    policy,
    actionsEnabled: config.FALCONER_ACTIONS,
    scope: config.FALCONER_SCOPE,
    environment: clusterEnvironment(),
  })
}

const noCluster = (): never => {
  throw new DeniedError(
    'unplannable',
    'No cluster is connected, so nothing can be planned or done. Set FALCONER_KUBECONFIG or FALCONER_IN_CLUSTER, then propose it again.',
  )
}
const noExecutor: Executor = {
  plan: async () => noCluster(),
  execute: async () => noCluster(),
  revert: async () => noCluster(),
  verify: async () => noCluster(),
  standing: async () => noCluster(),
  status: async () => ({ reachable: false, clusterId: null, simulated: false, version: null, detail: 'no cluster is configured' }),
  close: async () => {},
}

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
