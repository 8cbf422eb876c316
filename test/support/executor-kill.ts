/**
 * Killing with -9: a prepared proposal on a database and a cluster of its own, run by a child server with the real executor, one of
 * the two killed at a named point; and what arrived at the cluster by then. The test's own process holds cluster and tap.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { KubernetesJson } from '../../clusters/contract.ts'
import { resources } from '../../clusters/contract.ts'
import { systemClock } from '../../domain/clock.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { approve } from '../../responses/approve.ts'
import { type ApprovalKeys, newApprovalKeys } from '../../responses/approved.ts'
import { executeProposal } from '../../responses/execute.ts'
import { loadPolicy, type Policy } from '../../responses/policy.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from './database.ts'
import { ada, type Bench, type Case, decision, planned } from './executor-bench.ts'
import type { ChildTask } from './executor-child.ts'
import { openTap, type Tap } from './executor-tap.ts'
import { declaredState, inProcessExecutor, recordInventory, type Shop, startShop } from './shop.ts'

export type Point =
  /** before: it never arrives. meanwhile: it arrives though its sender is dead. after: it was done, and the answer is lost. */
  { request: number; when: 'before' | 'meanwhile' | 'after' } | { transaction: number; when: 'inside' | 'after' }
export type Kind = 'embedded' | 'server'
export const folder = mkdtempSync(join(tmpdir(), 'falconer-kill-'))
export const scope = 'kill'
/** Long enough that no slow machine lets an approval expire. */
const policy: Policy = { ...loadPolicy(), decideWithinMinutes: 1_440, startWithinMinutes: 1_440 }
const keys: ApprovalKeys = newApprovalKeys()
const program = fileURLToPath(new URL('executor-child.ts', import.meta.url))
let names = 0

/** A database with one proposal to execute or to undo, and the cluster's objects as they are then; copied for each kill. */
export type Prepared = {
  what: Case
  task: ChildTask['task']
  kind: Kind
  proposal: Proposal
  objects: KubernetesJson[]
  clean: string
  source: string
  drop(): Promise<void>
}

export async function prepare(kind: Kind, what: Case, task: ChildTask['task']): Promise<Prepared> {
  const source = join(folder, `source-${(names += 1)}`)
  const own = kind === 'server' ? await serverDatabase(serverUrl as string) : undefined
  const db = own === undefined ? await embeddedDatabase(source) : await openDatabase({ url: own.url })
  const shop = await startShop(systemClock, { policy })
  await recordInventory(db, systemClock, scope)
  const clean = declaredState(shop.cluster)
  const bench = { runner: runnerOf(db, shop, inProcessExecutor(shop.cluster, systemClock, keys, policy)), scope } as unknown as Bench
  const waiting = await planned(bench, what)
  let proposal = await approve(bench.runner, ada, decision(waiting))
  if (task === 'revert') proposal = (await executeProposal(bench.runner, proposal.id)) as Proposal
  const objects = objectsOf(shop)
  await db.close()
  await shop.stop()
  return { what, task, kind, proposal, objects, clean, source: own?.url ?? source, drop: async () => own?.drop() }
}

const runnerOf = (db: Database, shop: Pick<Shop, 'policy'>, executor: Bench['runner']['executor']): Bench['runner'] => ({
  db,
  clock: systemClock,
  policy: shop.policy,
  actionsEnabled: false,
  executor,
  privateKey: keys.privateKey,
})
const objectsOf = ({ cluster }: Shop): KubernetesJson[] => Object.keys(resources).flatMap((resource) => cluster.store.list(resource, null))

export type Scene = {
  shop: Shop
  tap: Tap
  database: ChildTask['database']
  open(): Promise<Database>
  kubeconfigPath: string
  close(): Promise<void>
}

/** A copy of the prepared database, and a cluster with the prepared objects behind a tap. */
export async function stage(prepared: Prepared): Promise<Scene> {
  const name = `scene-${(names += 1)}`
  const shop = await startShop(systemClock, { policy, seed: { objects: prepared.objects, flows: [] } })
  const tap = await openTap(shop.cluster)
  const kubeconfigPath = join(folder, `${name}.kubeconfig`)
  writeFileSync(kubeconfigPath, tap.kubeconfig('executor'))
  const copy = prepared.kind === 'embedded' ? copyFolder(prepared.source, join(folder, name)) : await copyDatabase(prepared.source)
  return {
    shop,
    tap,
    kubeconfigPath,
    database: copy.database,
    open: () => openDatabase(copy.database),
    close: async () => {
      await tap.stop()
      await shop.stop()
      await copy.drop()
    },
  }
}

function copyFolder(from: string, to: string): { database: { dataDir: string }; drop: () => Promise<void> } {
  cpSync(from, to, { recursive: true })
  return { database: { dataDir: to }, drop: async () => rmSync(to, { recursive: true, force: true }) }
}

async function copyDatabase(from: string): Promise<{ database: { url: string }; drop: () => Promise<void> }> {
  const name = `falconer_kill_${process.pid}_${(names += 1)}`
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: serverUrl })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await run(`create database ${name} template ${new URL(from).pathname.slice(1)}`)
  const own = new URL(from)
  own.pathname = `/${name}`
  return { database: { url: own.href }, drop: () => run(`drop database if exists ${name} with (force)`) }
}

/** Runs the task in a child until it is done or dead. Resolves when server and executor are both gone. */
export async function runChild(
  { tap, kubeconfigPath, database }: Scene,
  prepared: Prepared,
  point: Point | null,
): Promise<{ output: string; signal: string | null }> {
  const dieAt = point !== null && 'transaction' in point ? { transaction: point.transaction, when: point.when } : undefined
  const task: ChildTask = { database, kubeconfigPath, scope, keys, policy, proposalId: prepared.proposal.id, task: prepared.task, dieAt }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (part: Buffer) => (output += part.toString()))
  child.stderr.on('data', (part: Buffer) => (output += part.toString()))
  const executorPid = (): number => Number(/"executor":(\d+)/.exec(output)?.[1] ?? 0)
  const ended = new Promise<string | null>((resolve) => {
    child.on('close', (_code, signal) => resolve(signal))
  })
  if (point !== null && 'request' in point) killAt(tap, point, () => child.kill('SIGKILL'))
  const signal = await ended
  await gone(executorPid())
  return { output, signal }
}

/** Kills at a request, counted from now. */
export function killAt(tap: Tap, point: Extract<Point, { request: number }>, kill: () => unknown): void {
  let count = 0
  tap.decide = (arrival) => {
    count += 1
    if (count !== point.request) return 'forward'
    if (point.when !== 'after') {
      kill()
      return point.when === 'before' ? 'drop' : 'forward'
    }
    tap.answered = (answered) => {
      if (answered === arrival) kill()
    }
    return 'lose'
  }
}

async function gone(pid: number): Promise<void> {
  if (pid === 0) return
  for (let attempt = 0; attempt < 400; attempt += 1) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await new Promise((resume) => {
      setTimeout(resume, 25)
    })
  }
}

/** The server that is started after the kill, in this process. Its clock may run ahead. */
export function successor(db: Database, scene: Scene, clock = systemClock): Bench['runner'] {
  return { ...runnerOf(db, scene.shop, inProcessExecutor(scene.tap, clock, keys, policy)), clock }
}
