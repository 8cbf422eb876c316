/**
 * Falconer put together: the database, the executor process, the intake, and the work that goes on by itself. State is in rows,
 * so that a second server shares the work and a crash loses nothing. What a failed start had opened is closed again.
 */
import { EventEmitter } from 'node:events'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { AuthContext } from '../../auth/people.ts'
import type { Config } from '../../config/config.ts'
import { type Clock, systemClock } from '../../domain/clock.ts'
import { embedderFrom } from '../../knowledge/embedder.ts'
import { Meaning } from '../../knowledge/meaning.ts'
import type { ClusterStatus } from '../../responses/executor.ts'
import type { Runner } from '../../responses/execute.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { HeldGraph } from '../../graph/held.ts'
import { graphVersion } from '../../graph/step-rule.ts'
import { recomputeOutdated } from '../../incidents/recompute.ts'
import { markOutdatedUnits } from '../../store/graph-units.ts'
import { recoverInterrupted, requeueInterruptedPlanning } from '../../responses/recover.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { releaseAll } from '../../store/deepenings.ts'
import { type Investigation, releaseInterrupted } from '../../store/investigations.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import { forgetHearing } from '../../store/slack-hearing.ts'
import { giveUpInterrupted } from '../../store/threads.ts'
import { type Asking, askingFrom } from './asking.ts'
import { stopChat } from './chat.ts'
import { hasCluster, noExecutor, readingConfig, startExecutor } from './cluster.ts'
import { IntakeQueue } from './intake-queue.ts'
import { approvalKeys } from './keys.ts'
import { createLog, type Log } from './log.ts'
import type { NatsIntake } from './nats.ts'
import type { SlackApp } from '../slack/app.ts'
import { investigateNow } from './investigate-now.ts'
import { inTurn, startWork, type Work, workOnDemand } from './work.ts'

export type ChangeKind = 'incidents' | 'proposals' | 'findings' | 'sources' | 'people' | 'chat'
/** `steps`: an analyst did something, about this investigation or thread. */
export type Changes = { change: [ChangeKind]; sources: []; steps: [about: string]; closing: [] }
export type Falconer = {
  config: Config
  db: Database
  clock: Clock
  log: Log
  auth: AuthContext
  intake: IntakeQueue
  /** Milliseconds from an alert's receipt until it is in its incident, of all since the start. */
  lag: RecordableHistogram
  /** Emits 'change' with a ChangeKind for live pages, 'sources' when one was added or changed, and 'closing' when the server stops. */
  changes: EventEmitter<Changes>
  responses: Runner
  /** Null: no cluster is configured. */
  cluster: ClusterStatus | null
  /** What exact paths and what-if are asked of; built when first asked. */
  graph: HeldGraph
  /** Search by likeness; null: none is wanted. */
  meaning: Meaning | null
  /** Null: no NATS is configured. */
  nats: NatsIntake | null
  /** Null: Slack is not configured. */
  slack: SlackApp | null
  /** Whether a model may be asked, and the analyst that does. */
  asking: Asking
  /** By the playbook. */
  investigateNow(incidentId: string, by: string): Promise<Investigation>
  /** There may be something to ask a model. */
  deepen(): void
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
  /** Instead of the model that the configuration names. */
  asking?: Asking
  /** A command works on the data for a moment, perhaps beside a server on the same database: it reaches no cluster, plans and executes nothing, and takes over nothing that was interrupted. */
  as?: 'server' | 'command'
}

const maxBatchBytes = 2 * 1024 * 1024
const tellEveryMs = 10_000

export async function composeFalconer(config: Config, options: ComposeOptions = {}): Promise<Falconer> {
  const clock = options.clock ?? systemClock
  const policy = loadPolicy(config.FALCONER_POLICY)
  const keys = await approvalKeys(config.FALCONER_DATA)
  const serving = options.as !== 'command'
  const reaching = serving && hasCluster(config)
  const db =
    options.database ??
    (await openDatabase(config.DATABASE_URL === undefined ? { dataDir: config.FALCONER_DATA } : { url: config.DATABASE_URL.reveal() }))
  /** Closed in this order: what was opened last comes first. */
  const opened: (() => Promise<unknown>)[] = [() => db.close()]
  try {
    const executor = reaching ? await startExecutor(config, policy, keys.publicKey) : noExecutor
    opened.unshift(() => executor.close())
    const responses: Runner = { db, clock, policy, actionsEnabled: config.FALCONER_ACTIONS, executor, privateKey: keys.privateKey }
    const work: { now: Work | null } = { now: null }
    const falconer = assemble(config, responses, reaching ? await executor.status() : null, work, opened, options.asking)
    if (serving) await takeOver(responses, reaching)
    await ensurePartitions(db, clock.now())
    await recomputeOutdated(db, clock)
    await markOutdatedUnits(db, graphVersion, clock.now())
    const started = await (serving ? startWork : workOnDemand)(falconer, options.quietMs ?? 3_000)
    work.now = started
    opened.unshift(
      () => stopChat(falconer),
      () => falconer.intake.idle(),
      () => started.stop(),
    )
    if (reaching) {
      const { watchCluster } = await import('./inventory.ts')
      const inventory = watchCluster(falconer, await readingConfig(config))
      opened.unshift(() => inventory.stop())
      if (config.FALCONER_PULL_MINUTES > 0) {
        const { pullReports } = await import('./pull.ts')
        const pulling = pullReports(falconer, await readingConfig(config))
        opened.unshift(() => pulling.stop())
      }
    }
    if (serving && config.FALCONER_NATS_URL !== undefined) {
      const { takeFromNats } = await import('./nats.ts')
      const nats = takeFromNats(falconer)
      falconer.nats = nats
      opened.unshift(() => nats.stop())
    }
    const { FALCONER_SLACK_BOT_TOKEN: bot, FALCONER_SLACK_APP_TOKEN: app, FALCONER_SLACK_SIGNING_SECRET: secret } = config
    if (serving && bot !== undefined && (app !== undefined || secret !== undefined)) {
      const { startSlack } = await import('../slack/app.ts')
      const slack = await startSlack(falconer)
      falconer.slack = slack
      opened.unshift(() => slack.stop())
    }
    // Nobody wants to hear Slack any more: that nobody does is no gap.
    if (serving && app === undefined && db.kind === 'embedded') await forgetHearing(db)
    return falconer
  } catch (error) {
    // Nobody else can close what a failed start had opened: the executor process, the folder's lock.
    await inTurn(opened).catch(() => {})
    throw error
  }
}

function assemble(
  config: Config,
  responses: Runner,
  cluster: ClusterStatus | null,
  work: { readonly now: Work | null },
  opened: readonly (() => Promise<unknown>)[],
  asking: Asking | undefined,
): Falconer {
  const { db, clock } = responses
  const changes = new EventEmitter<Changes>().setMaxListeners(0)
  let toldAt = Number.NEGATIVE_INFINITY
  const intake = new IntakeQueue(db, clock, {
    maxWaitingBytes: config.FALCONER_INGEST_WAITING_BYTES,
    maxBatchBytes,
    onCommitted: () => {
      work.now?.wake('correlate')
      work.now?.wake('derive')
      changes.emit('change', 'sources')
    },
    onRefused: ({ refused, droppedConnections }) => {
      if (performance.now() - toldAt < tellEveryMs) return
      toldAt = performance.now()
      falconer.log.warn('more arrives than can be stored: posts are refused', { refused, droppedConnections, sinceTheStart: true })
    },
  })
  const log = createLog(config.FALCONER_LOG)
  const falconer: Falconer = {
    config,
    db,
    clock,
    log,
    intake,
    lag: createHistogram(),
    changes,
    auth: { db, clock },
    responses,
    cluster,
    graph: new HeldGraph(db),
    meaning: meaningOf(config, clock),
    nats: null,
    slack: null,
    changed(kind) {
      changes.emit('change', kind)
      if (kind === 'sources') changes.emit('sources')
      if (kind === 'incidents') {
        work.now?.wake('tell')
        work.now?.wake('triage')
      }
      if (kind !== 'proposals') return
      work.now?.wake('plan')
      work.now?.wake('execute')
    },
    asking: asking ?? askingFrom(config, { db, clock, log }),
    investigateNow: (incidentId, by) => investigateNow(falconer, incidentId, by),
    deepen() {
      work.now?.wake('deepen')
      work.now?.wake('deepenToo')
    },
    async settle() {
      await intake.idle()
      await work.now?.idle()
    },
    close: () => inTurn(opened),
  }
  return falconer
}

function meaningOf(config: Config, clock: Clock): Meaning | null {
  const embedder = embedderFrom(config)
  return embedder === null ? null : new Meaning(embedder, clock)
}

/** What an earlier server left when it died. Only the embedded database, which one process holds, tells that nobody else is at work on it. */
async function takeOver(responses: Runner, reaching: boolean): Promise<void> {
  if (responses.db.kind === 'embedded') await releaseAll(responses.db)
  const which = responses.db.kind === 'embedded' ? 'all' : 'lapsed'
  await giveUpInterrupted(responses.db, responses.clock.now(), which)
  await releaseInterrupted(responses.db, responses.clock.now(), which)
  await requeueInterruptedPlanning(responses, which)
  if (reaching) await recoverInterrupted(responses, which)
}
