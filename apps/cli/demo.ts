/**
 * `falconer demo`: the real server, a simulated cluster on loopback, a recorded attack posted over HTTP among everyday noise.
 * Nothing is scripted: what the page shows is what Falconer made of it. `--exit` decides as the demo principal, which is
 * refused for every target that is not simulated, and leaves with 0 only if every step held.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstAdministratorLink } from '../../auth/people.ts'
import { startSimulatedCluster } from '../../clusters/simulated/server.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { demoPrincipal, systemPrincipal } from '../../domain/principal.ts'
import type { Proposal } from '../../domain/proposal.ts'
import type { Incident } from '../../domain/incident.ts'
import { loadScenario, mutate, type Scenario, toJsonLines } from '../../evals/scenario.ts'
import { approve } from '../../responses/approve.ts'
import { inventoryFreshness } from '../../store/entities.ts'
import { countPending, listIncidents } from '../../store/incidents.ts'
import { latestReports, type Investigation } from '../../store/investigations.ts'
import { getProposal, listProposals } from '../../store/proposals.ts'
import { addSource } from '../server/sources.ts'
import { linkUrl } from '../server/urls.ts'
import { composeFalconer, type Falconer } from '../server/falconer.ts'
import { listen } from '../server/listen.ts'
import { plainSentence, print, remark, safe } from './output.ts'
import { untilStopped } from './serve.ts'

export type DemoOptions = { exit: boolean; json: boolean; seed?: number; inventory: boolean; scenario: string; data?: string }
export type DemoResult = {
  alerts: number
  incidents: number
  report: { analyst: string; verdict: string; claims: number; ungrounded: number } | null
  proposal: { action: string; status: string; verified: boolean } | null
  seconds: number
  problem: string | null
  blocked: string[]
}

export async function demo(options: DemoOptions, overrides: Partial<Record<keyof Config, string>>): Promise<boolean> {
  const started = performance.now()
  const folder = options.data ?? (await mkdtemp(join(tmpdir(), 'falconer-demo-')))
  const now = new Date()
  const story = options.seed === undefined ? loadScenario(options.scenario, now) : mutate(loadScenario(options.scenario, now), options.seed)
  const cluster = await startSimulatedCluster({
    file: join(folder, 'cluster.sqlite'),
    seed: { objects: options.inventory ? story.objects : [], flows: story.flows },
    enforcePolicies: true,
    logs: story.logs,
  })
  for (const as of ['reader', 'executor'] as const)
    await writeFile(join(folder, `${as}.kubeconfig`), cluster.kubeconfig(as), { mode: 0o600 })
  const base = {
    FALCONER_DATA: folder,
    FALCONER_SCOPE: 'demo',
    FALCONER_KUBECONFIG: join(folder, 'reader.kubeconfig'),
    FALCONER_EXECUTOR_KUBECONFIG: join(folder, 'executor.kubeconfig'),
    FALCONER_LOG: 'error',
  }
  const config = loadConfig({ ...base, ...overrides, ...(options.exit ? { FALCONER_PORT: '0' } : {}) })
  const falconer = await composeFalconer(config, { quietMs: options.exit ? 300 : 1_500 })
  const server = await listen(falconer).catch(async (error: unknown) => {
    await falconer.close()
    await cluster.stop()
    throw error
  })
  const say = (text: string): void => {
    if (!options.json) print(text)
  }
  let held = true
  try {
    say(`Falconer demo at ${server.url}, with a simulated cluster: a Kubernetes API on this machine that runs no containers.`)
    await inventoryKnown(falconer, options.inventory)
    const alerts = await streamIn(falconer, server.url, story, options, say)
    const result = await outcome(falconer, options, alerts, say)
    result.seconds = Math.round((performance.now() - started) / 100) / 10
    held = result.problem === null
    if (options.exit) {
      if (options.json) print(JSON.stringify(publicResult(result)))
      else print(held ? `\nEvery step held, in ${result.seconds} s.` : `\nA step did not hold: ${result.problem}`)
    } else {
      const link = await firstAdministratorLink(falconer.auth)
      if (result.problem !== null) say(`\n${result.problem}`)
      if (link !== undefined)
        say(
          `\nNow read it, and decide. Sign in with this link; it works once:\n\n  ${linkUrl(falconer, link.token)}\n\nCtrl-C ends the demo${options.data === undefined ? ' and removes its data' : ''}.`,
        )
      await untilStopped()
    }
  } finally {
    await server.close()
    await falconer.close()
    await cluster.stop()
    if (options.data === undefined) await rm(folder, { recursive: true, force: true })
  }
  return held
}

const publicResult = ({ problem, blocked, ...result }: DemoResult): unknown => ({
  ...result,
  ...(problem === null ? {} : { problem }),
  ...(blocked.length === 0 ? {} : { blocked }),
})

/** The watch has listed the cluster: pods are known, as they would be on any day before an attack. */
async function inventoryKnown(falconer: Falconer, expected: boolean): Promise<void> {
  if (!expected) return
  await waitFor('the inventory', 20_000, async () =>
    (await inventoryFreshness(falconer.db)).some((one) => one.scope === 'demo' && one.pods > 0),
  )
}

async function streamIn(
  falconer: Falconer,
  url: string,
  story: Scenario,
  { exit, scenario }: DemoOptions,
  say: (text: string) => void,
): Promise<number> {
  const { secret } = await addSource(
    falconer,
    { principal: systemPrincipal, channel: 'cli' },
    { name: 'falco-demo', collector: 'falco', scope: 'demo' },
  )
  const noise = loadScenario('everyday-noise', new Date(falconer.clock.now().getTime() - 5_000)).alerts
  const all = [...story.alerts, ...noise].sort((a, b) => (exit ? 0 : a.time < b.time ? -1 : 1))
  say(`\nStreaming in ${all.length} alerts (“${scenario}” among everyday noise) over HTTP, as Falco's http_output sends them …`)
  let accepted = 0
  for (const alert of all) {
    const answer = await fetch(`${url}/ingest/falco/${secret}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: toJsonLines([alert]),
    })
    if (!answer.ok) throw new Error(`ingest answered ${answer.status}`)
    accepted += ((await answer.json()) as { accepted: number }).accepted
    if (!exit) {
      say(`  ${alert.time.slice(11, 19)}  ${safe(alert.rule, 80)}`)
      await new Promise((resume) => {
        setTimeout(resume, 150)
      })
    }
  }
  return accepted
}

async function outcome(falconer: Falconer, options: DemoOptions, alerts: number, say: (text: string) => void): Promise<DemoResult> {
  const { db } = falconer
  await waitFor('the investigation', 30_000, async () => {
    await falconer.settle()
    const incidents = (await listIncidents(db, { minSeverity: 'medium' }, { limit: 50 })).incidents
    return (
      (await countPending(db)) === 0 &&
      incidents.length > 0 &&
      (
        await latestReports(
          db,
          incidents.map((one) => one.id),
        )
      ).size === incidents.length
    )
  }).catch(() => {})
  const { incidents } = await listIncidents(db, {}, { limit: 200 })
  const reports = await latestReports(
    db,
    incidents.map((one) => one.id),
  )
  const incident = incidents.find((one) => reports.has(one.id))
  const investigation = incident === undefined ? undefined : reports.get(incident.id)
  const result: DemoResult = { alerts, incidents: incidents.length, report: null, proposal: null, seconds: 0, problem: null, blocked: [] }
  if (incident === undefined || investigation?.report == null) return { ...result, problem: 'No incident was investigated.' }
  const { report } = investigation
  const claims = [...report.summary, ...report.reasons, ...report.timeline]
  result.report = { analyst: report.analyst, verdict: report.verdict, claims: claims.length, ungrounded: report.ungrounded }
  result.blocked = report.actions.flatMap((action) => (action.blocked === null ? [] : [`${action.action}: ${action.blocked}`]))
  tell(incident, investigation, incidents.length, say)
  if (report.ungrounded > 0) return { ...result, problem: `${report.ungrounded} sentences of the report are not grounded.` }
  return actOn(falconer, incident, options, result, say)
}

function tell(incident: Incident, { report }: Investigation, count: number, say: (text: string) => void): void {
  say(`\n${count} incidents. The one that matters, ${incident.severity}: ${safe(incident.title, 160)}`)
  say(`The ${report?.analyst} (rules, no model) says ${report?.verdict.replace('_', ' ')}, ${report?.confidence} confidence:`)
  for (const claim of report?.summary ?? []) say(`  · ${plainSentence(claim.text)}`)
}

async function actOn(
  falconer: Falconer,
  incident: Incident,
  options: DemoOptions,
  result: DemoResult,
  say: (text: string) => void,
): Promise<DemoResult> {
  await falconer.settle()
  const proposals = await listProposals(falconer.db, { incidentId: incident.id }, 20)
  const containing = proposals.find((one) => one.action === 'kubernetes.isolate_pod')
  const wanted = result.report?.verdict === 'true_positive'
  if (containing === undefined) {
    for (const one of result.blocked) say(`  Not proposed: ${one}`)
    return { ...result, problem: wanted ? `No containment was proposed. ${result.blocked.join(' ')}`.trim() : null }
  }
  say(`\nProposed: ${containing.plan?.summary ?? containing.stateReason ?? containing.action}`)
  result.proposal = { action: containing.action, status: containing.state, verified: false }
  if (!options.exit) return result
  if (containing.state !== 'pending' || containing.planHash === null)
    return { ...result, problem: `The proposal is ${containing.state}: ${containing.stateReason ?? ''}` }
  await approve(
    falconer.responses,
    { principal: demoPrincipal, channel: 'cli' },
    { proposalId: containing.id, planHash: containing.planHash, reason: 'demo --exit', shownDigest: null },
  )
  falconer.changed('proposals')
  let done: Proposal | undefined
  await waitFor('the execution', 20_000, async () => {
    done = await getProposal(falconer.db, { id: containing.id })
    return done !== undefined && done.state !== 'approved' && done.state !== 'executing'
  })
  const verified = done?.result?.observation.level === 'effect_observed'
  result.proposal = { action: containing.action, status: done?.state ?? 'unknown', verified }
  say(`Approved by the demo principal; ${done?.result?.observation.text ?? done?.stateReason ?? ''}`)
  return { ...result, problem: done?.state === 'succeeded' && verified ? null : `The action is ${done?.state}, verified: ${verified}.` }
}

async function waitFor(what: string, limitMs: number, met: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + limitMs
  while (!(await met())) {
    if (performance.now() > until) {
      remark(`Gave up waiting for ${what}.`)
      throw new Error(`${what} did not come within ${limitMs / 1_000} s`)
    }
    await new Promise((resume) => {
      setTimeout(resume, 100)
    })
  }
}
