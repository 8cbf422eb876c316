/**
 * `npm run bench -- start`: from process start to the first accepted alert, with a new data folder and again with the same
 * one, and the idle memory of server and executor. The cluster is the simulated one, in this process.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSimulatedCluster } from '../clusters/simulated/server.ts'
import { loadScenario, toJsonLines } from '../evals/scenario.ts'
import type { Bench } from './bench.ts'
import { childrenOf, launch, type Launched, pause, residentMegabytes } from './launch.ts'

const falconer = fileURLToPath(new URL('../bin/falconer', import.meta.url))
const bareDatabase = fileURLToPath(new URL('bare-database.ts', import.meta.url))
const settleMs = 3_000

type Sample = { cold: number; warm: number; serverMemory: number; executorMemory: number }

export const start: Bench = {
  name: 'start',
  title: 'Time to the first accepted alert, and idle memory',
  async run(runs, progress) {
    const ours: Sample[] = []
    const bare: Sample[] = []
    for (let run = 1; run <= runs; run += 1) {
      progress(`run ${run} of ${runs}`)
      bare.push(await inNewFolder(measureBare))
      ours.push(await inNewFolder(measureFalconer))
    }
    const compare = (what: string, unit: 's' | 'MB', field: keyof Sample, baseline: string) => ({
      what,
      unit,
      falconer: ours.map((sample) => sample[field]),
      baseline: { what: baseline, samples: bare.map((sample) => sample[field]) },
    })
    return [
      compare('first start, new data folder', 's', 'cold', 'bare node: PGlite with pgvector, initdb, one table, one insert'),
      compare('warm restart', 's', 'warm', 'bare node: PGlite on an existing folder, one insert'),
      compare('idle memory, server', 'MB', 'serverMemory', 'that bare node with PGlite open'),
      compare('idle memory, executor', 'MB', 'executorMemory', 'a node process that does nothing'),
    ]
  },
}

async function inNewFolder(measure: (folder: string) => Promise<Sample>): Promise<Sample> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
  try {
    return await measure(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const secondsSince = (startedAt: number): number => (performance.now() - startedAt) / 1_000

async function measureBare(folder: string): Promise<Sample> {
  const once = async (): Promise<{ seconds: number; memory: number }> => {
    const program = launch(process.execPath, ['--disable-warning=ExperimentalWarning', bareDatabase, join(folder, 'bare')])
    await program.says(/accepted/)
    const seconds = secondsSince(program.startedAt)
    await pause(settleMs)
    const memory = residentMegabytes(program.pid)
    await program.stop()
    return { seconds, memory }
  }
  const cold = await once()
  const warm = await once()
  const idle = launch(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 60000)'])
  await idle.says(/up/)
  await pause(500)
  const executorMemory = residentMegabytes(idle.pid)
  await idle.stop()
  return { cold: cold.seconds, warm: warm.seconds, serverMemory: warm.memory, executorMemory }
}

async function measureFalconer(folder: string): Promise<Sample> {
  const { objects, alerts } = loadScenario('shop-checkout-intrusion', new Date())
  const cluster = await startSimulatedCluster({ file: ':memory:', seed: { objects } })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, cluster.kubeconfig('executor'), { mode: 0o600 })
  const serve = (): Launched =>
    launch(falconer, ['serve', '--data', join(folder, 'data'), '--port', '0'], { FALCONER_KUBECONFIG: kubeconfig, FALCONER_LOG: 'warn' })
  const post = async (url: string, index: number): Promise<void> => {
    const alert = alerts[index]
    const answer = await fetch(url, { method: 'POST', body: alert === undefined ? '' : toJsonLines([alert]) })
    const { accepted } = (await answer.json()) as { accepted?: number }
    if (accepted !== 1) throw new Error(`the alert was not accepted: ${answer.status}`)
  }
  try {
    const first = serve()
    const [, path = '', secretUrl = ''] = (await first.says(/url: http:\/\/[^/\s]+(\/ingest\/falco\/(\S+))/)) as string[]
    const [, url = ''] = (await first.says(/serves at (\S+)/)) as string[]
    await post(url + path, 0)
    const cold = secondsSince(first.startedAt)
    await first.stop()
    if (secretUrl === '') throw new Error('no source was made')
    const again = serve()
    const [, newUrl = ''] = (await again.says(/serves at (\S+)/)) as string[]
    await post(newUrl + path, 1)
    const warm = secondsSince(again.startedAt)
    await pause(settleMs)
    const [executor] = childrenOf(again.pid)
    if (executor === undefined) throw new Error('no executor runs')
    const memory = { serverMemory: residentMegabytes(again.pid), executorMemory: residentMegabytes(executor) }
    await again.stop()
    return { cold, warm, ...memory }
  } finally {
    await cluster.stop()
  }
}
