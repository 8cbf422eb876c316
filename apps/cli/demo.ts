/**
 * `falconer demo`: the real server, a simulated cluster on loopback, a recorded attack posted over HTTP among everyday noise.
 * Nothing is scripted: what the page shows is what Falconer made of it. `--exit` decides as the demo principal, which is
 * refused for every target that is not simulated, and leaves with 0 only if every step held.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstAdministratorLink } from '../../auth/people.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../clusters/simulated/server.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { InputError } from '../../domain/errors.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { systemPrincipal } from '../../domain/principal.ts'
import { loadScenario, mutate, type Scenario, toJsonLines, withNoise } from '../../evals/scenario.ts'
import { composeFalconer, type Falconer } from '../server/falconer.ts'
import { listen } from '../server/listen.ts'
import { addSource } from '../server/sources.ts'
import { baseUrl, linkUrl } from '../server/urls.ts'
import type { Overrides } from './command.ts'
import { decide, type DemoResult, outcome, publicResult, untilInventory } from './demo-outcome.ts'
import { listSources } from '../../store/sources.ts'
import { print, safe } from './output.ts'
import { stopped, stopSignal, wait } from './stop.ts'

export type DemoOptions = { exit: boolean; json: boolean; seed?: number; inventory: boolean; scenario: string; data?: string }
export type Demo = { falconer: Falconer; options: DemoOptions; signal: AbortSignal; say: (text: string) => void }
type Serving = { falconer: Falconer; url: string; stop(): Promise<void> }

/** Answers whether every step held. Throws Interrupted when it was stopped before its end. */
export async function demo(options: DemoOptions, overrides: Overrides): Promise<boolean> {
  const started = performance.now()
  const signal = stopSignal()
  const say = (text: string): void => {
    if (!options.json) print(text)
  }
  const folder = options.data ?? (await mkdtemp(join(tmpdir(), 'falconer-demo-')))
  let running: Serving | null = null
  try {
    const now = new Date()
    const story = loadScenario(options.scenario, now)
    const told = withNoise(story, loadScenario('everyday-noise', new Date(now.getTime() - 5_000)))
    const played = options.seed === undefined ? told : mutate(told, options.seed)
    running = await serveStory(played, folder, options, overrides)
    const demo: Demo = { falconer: running.falconer, options, signal, say }
    say(`Falconer demo at ${running.url}, with a simulated cluster: a Kubernetes API on this machine that runs no containers.`)
    const result = await play(demo, running.url, played)
    result.seconds = Math.round((performance.now() - started) / 100) / 10
    if (options.json) print(JSON.stringify(publicResult(result)))
    else if (options.exit)
      say(result.problem === null ? `\nEvery step held, in ${result.seconds} s.` : `\nA step did not hold: ${result.problem}`)
    else await letDecide(demo, result)
    return result.problem === null
  } finally {
    await running?.stop()
    if (options.data === undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function serveStory(story: Scenario, folder: string, options: DemoOptions, overrides: Overrides): Promise<Serving> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const cluster = await startSimulatedCluster({
    file: join(folder, 'cluster.sqlite'),
    seed: { objects: options.inventory ? story.objects : [], flows: story.flows },
    enforcePolicies: true,
    logs: story.logs,
  })
  const undo: (() => Promise<unknown>)[] = [() => cluster.stop()]
  const stop = async (): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one()
  }
  try {
    const config = await demoConfig(folder, cluster, options, overrides)
    const falconer = await composeFalconer(config, { quietMs: options.exit ? 300 : 1_500 })
    undo.push(() => falconer.close())
    const server = await listen(falconer)
    undo.push(() => server.close())
    return { falconer, url: server.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Nothing of the environment but where to listen: a demo must touch neither a configured database nor a real cluster. */
async function demoConfig(folder: string, cluster: SimulatedCluster, options: DemoOptions, overrides: Overrides): Promise<Config> {
  for (const as of ['reader', 'executor'] as const)
    await writeFile(join(folder, `${as}.kubeconfig`), cluster.kubeconfig(as), { mode: 0o600 })
  return loadConfig({
    DATABASE_URL: '',
    FALCONER_DATA: folder,
    FALCONER_SCOPE: 'demo',
    FALCONER_KUBECONFIG: join(folder, 'reader.kubeconfig'),
    FALCONER_EXECUTOR_KUBECONFIG: join(folder, 'executor.kubeconfig'),
    FALCONER_KUBE_CONTEXT: '',
    FALCONER_IN_CLUSTER: '',
    FALCONER_PULL_MINUTES: '0',
    FALCONER_ACTIONS: '',
    FALCONER_POLICY: '',
    FALCONER_LOG: 'error',
    ...overrides,
    // Its outcome is to be the same each time.
    ...(options.exit ? { FALCONER_PORT: '0', FALCONER_NO_MODEL: 'true' } : {}),
  })
}

/** Streams the recording in and says what came of it. With `--exit` what fails is part of the result. */
async function play(demo: Demo, url: string, story: Scenario): Promise<DemoResult> {
  const { falconer, options } = demo
  const before = await listSources(falconer.db)
  const resumed = before.some((source) => source.name === sourceName)
  if (resumed ? options.exit : before.some((source) => !source.name.endsWith('-inventory')))
    throw new InputError(
      `${options.data} holds ${resumed ? 'an earlier demo' : 'other data than a demo’s'}. Choose another --data folder, or none.`,
    )
  if (options.inventory) await untilInventory(demo)
  if (!resumed && story.trivy !== null) await scanned(demo, url, story.trivy)
  const accepted = resumed ? 0 : await streamIn(demo, url, story)
  return options.exit ? decide(demo, await outcome(demo, accepted)) : outcome(demo, accepted)
}

const sourceName = 'falco-demo'

/** A source of the demo’s own cluster; answers what posts one document to it, and tells how many records of it were new. */
async function source({ falconer }: Demo, url: string, name: string, collector: string): Promise<(body: string) => Promise<number>> {
  const scope = falconer.config.FALCONER_SCOPE
  const { secret } = await addSource(falconer, { principal: systemPrincipal, channel: 'cli' }, { name, collector, scope })
  return async (body) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/ingest/${collector}/${secret}`, { method: 'POST', headers, body })
    if (!answer.ok) throw new Error(`ingest answered ${answer.status}`)
    return ((await answer.json()) as { accepted: number }).accepted
  }
}

/** What a scanner said of an image the day before: nobody looked at it then. */
async function scanned(demo: Demo, url: string, report: NonNullable<Scenario['trivy']>): Promise<void> {
  const post = await source(demo, url, 'trivy-demo', 'trivy')
  const found = await post(stringifyExact(report))
  demo.say(`\nA report of Trivy on ${safe(String(report.ArtifactName), 120)} was imported: ${found} findings.`)
}

async function streamIn(demo: Demo, url: string, story: Scenario): Promise<number> {
  const { options, signal, say } = demo
  const post = await source(demo, url, sourceName, 'falco')
  const alerts = options.exit ? story.alerts : story.alerts.toSorted((a, b) => (a.time < b.time ? -1 : 1))
  say(`\nStreaming in ${alerts.length} alerts (“${options.scenario}” among everyday noise) over HTTP, as Falco's http_output sends them …`)
  let accepted = 0
  for (const alert of alerts) {
    accepted += await post(toJsonLines([alert]))
    if (options.exit) continue
    say(`  ${alert.time.slice(11, 19)}  ${safe(alert.rule, 80)}`)
    await wait(150, signal)
  }
  return accepted
}

async function letDecide({ falconer, options, signal, say }: Demo, { problem }: DemoResult): Promise<void> {
  const link = await firstAdministratorLink(falconer.auth)
  if (problem !== null) say(`\n${problem}`)
  say(
    link === undefined
      ? `\nSomebody signed in here before: open ${baseUrl(falconer)} in that browser.`
      : `\nNow read it, and decide. Sign in with this link; it works once:\n\n  ${linkUrl(falconer, link.token)}`,
  )
  say(`\nCtrl-C ends the demo${options.data === undefined ? ' and removes its data' : `; its data stays in ${options.data}`}.`)
  await stopped(signal)
}
