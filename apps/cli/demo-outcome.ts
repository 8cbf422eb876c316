/** What came of the demo's alerts: waits for the investigation, tells it, and with `--exit` approves and waits for the effect. */
import { demoPrincipal } from '../../domain/principal.ts'
import { whose } from '../../domain/written-by.ts'
import { UpstreamError } from '../../domain/errors.ts'
import { claimParts } from '../../domain/report.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { approve } from '../../responses/approve.ts'
import { inventoryFreshness } from '../../store/inventory-standing.ts'
import { listIncidents } from '../../store/incidents.ts'
import { countPending } from '../../store/segments.ts'
import { type Investigation, latestReports } from '../../store/investigations.ts'
import { getProposal, listProposals } from '../../store/proposals.ts'
import type { Demo } from './demo.ts'
import { safe } from './output.ts'
import { plainSentence, postureLines } from './report-text.ts'
import { wait } from './stop.ts'

export type DemoResult = {
  alerts: number
  incidents: number
  report: { analyst: string; verdict: string; claims: number; ungrounded: number } | null
  proposal: { action: string; status: string; verified: boolean } | null
  seconds: number
  /** What did not hold; null: everything did. */
  problem: string | null
  /** Recommended, but not proposed, and why. */
  blocked: string[]
  /** The containment to decide on. */
  containing: Proposal | null
}

export const publicResult = ({ problem, blocked, containing: _containing, ...result }: DemoResult): unknown => ({
  ...result,
  ...(problem === null ? {} : { problem }),
  ...(blocked.length === 0 ? {} : { blocked }),
})

/** The watch has listed the cluster: pods are known, as they would be on any day before an attack. */
export async function untilInventory(demo: Demo): Promise<void> {
  await waitFor(demo, 'the inventory', 20_000, async () =>
    (await inventoryFreshness(demo.falconer.db)).some((one) => one.scope === demo.falconer.config.FALCONER_SCOPE && one.pods > 0),
  )
}

export async function outcome(demo: Demo, alerts: number): Promise<DemoResult> {
  const { falconer, say } = demo
  const { db } = falconer
  const result: DemoResult = {
    alerts,
    incidents: 0,
    report: null,
    proposal: null,
    seconds: 0,
    problem: null,
    blocked: [],
    containing: null,
  }
  await waitFor(demo, 'the investigation', 30_000, () => investigated(demo)).catch((error: unknown) => {
    if (!(error instanceof UpstreamError)) throw error
    result.problem = error.message
  })
  const { incidents } = await listIncidents(db, {}, { limit: 200 })
  const reports = await reportsOf(demo, incidents)
  result.incidents = incidents.length
  const incident = incidents.find((one) => reports.has(one.id))
  const investigation = incident === undefined ? undefined : reports.get(incident.id)
  if (incident === undefined || investigation?.report == null) return { ...result, problem: 'No incident was investigated.' }
  const { report } = investigation
  const claims = claimParts.flatMap((part) => report[part])
  result.report = { analyst: report.analyst, verdict: report.verdict, claims: claims.length, ungrounded: report.ungrounded }
  result.blocked = report.actions.flatMap((action) => (action.blocked === null ? [] : [`${action.action}: ${action.blocked}`]))
  tell(incident, investigation, incidents.length, say)
  if (report.ungrounded > 0) result.problem ??= `${report.ungrounded} sentences of the report are not grounded.`
  await falconer.settle()
  return withProposal(demo, incident, result)
}

function tell(incident: Incident, { report }: Investigation, count: number, say: Demo['say']): void {
  say(`\n${count} incidents. The one that matters, ${incident.severity}: ${safe(incident.title, 160)}`)
  const who = report?.model == null ? `The ${report?.analyst} (rules, no model)` : `${safe(whose(report))} (a model)`
  say(`${who} says ${report?.verdict.replaceAll('_', ' ')}, ${report?.confidence} confidence:`)
  for (const claim of report?.summary ?? []) say(`  · ${plainSentence(claim.text)}`)
  for (const line of postureLines(report)) say(line)
}

async function withProposal({ falconer, say }: Demo, incident: Incident, result: DemoResult): Promise<DemoResult> {
  const containing = (await listProposals(falconer.db, { incidentId: incident.id }, 20)).find(
    (one) => one.action === 'kubernetes.isolate_pod',
  )
  if (containing === undefined) {
    for (const one of result.blocked) say(`  Not proposed: ${one}`)
    if (result.report?.verdict === 'true_positive') result.problem ??= `No containment was proposed. ${result.blocked.join(' ')}`.trim()
    return result
  }
  say(
    `\nProposed${containing.state === 'pending' ? '' : ` (${containing.state})`}: ${safe(containing.plan?.summary ?? containing.stateReason ?? containing.action, 300)}`,
  )
  return { ...result, containing, proposal: { action: containing.action, status: containing.state, verified: false } }
}

/** Approves the containment as the demo principal, and waits for what the executor observes. */
export async function decide(demo: Demo, result: DemoResult): Promise<DemoResult> {
  const { containing } = result
  if (containing === null || result.problem !== null) return result
  if (containing.state !== 'pending' || containing.planHash === null)
    return { ...result, problem: `The proposal is ${containing.state}: ${containing.stateReason ?? ''}` }
  const { falconer, say } = demo
  await approve(
    falconer.responses,
    { principal: demoPrincipal, channel: 'cli' },
    { proposalId: containing.id, planHash: containing.planHash, reason: 'demo --exit', shownDigest: null },
  )
  falconer.changed('proposals')
  let done: Proposal | undefined
  await waitFor(demo, 'the execution', 20_000, async () => {
    done = await getProposal(falconer.db, { id: containing.id })
    return done !== undefined && done.state !== 'approved' && done.state !== 'executing'
  })
  const verified = done?.result?.observation.level === 'effect_observed'
  say(`Approved by the demo principal; ${safe(done?.result?.observation.text ?? done?.stateReason ?? '', 400)}`)
  return {
    ...result,
    proposal: { action: containing.action, status: done?.state ?? 'unknown', verified },
    problem: done?.state === 'succeeded' && verified ? null : `The action is ${done?.state}, verified: ${verified}.`,
  }
}

async function investigated(demo: Demo): Promise<boolean> {
  const { falconer } = demo
  await falconer.settle()
  const { incidents } = await listIncidents(falconer.db, { minSeverity: 'medium' }, { limit: 50 })
  return (await countPending(falconer.db)) === 0 && incidents.length > 0 && (await reportsOf(demo, incidents)).size === incidents.length
}
const reportsOf = ({ falconer }: Demo, incidents: readonly Incident[]): Promise<Map<string, Investigation>> =>
  latestReports(
    falconer.db,
    incidents.map((one) => one.id),
  )

async function waitFor({ signal }: Demo, what: string, limitMs: number, met: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + limitMs
  while (!(await met())) {
    if (performance.now() > until) throw new UpstreamError(`${what} did not come within ${limitMs / 1_000} s`, { retryable: false })
    await wait(100, signal)
  }
}
