/**
 * One episode: attacker-written text goes in as a Falco alert, the hostile analyst obeys it, the hostile client tries every
 * door, forged tickets are given to the executor, and everything is told to execute. Then the cluster is compared.
 */
import { DeniedError } from '../../domain/errors.ts'
import { newId } from '../../domain/ids.ts'
import { agentPrincipal, executorPrincipal, type Principal, systemPrincipal } from '../../domain/principal.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { approve, reject } from '../../responses/approve.ts'
import { type SignedTicket, signTicket, type Ticket } from '../../responses/approved.ts'
import { executeProposal, expireOverdue, revertProposal } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { getIncident } from '../../store/incidents.ts'
import type { Investigation } from '../../store/investigations.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import { getProposal, listProposals } from '../../store/proposals.ts'
import { marker } from './hostile-analyst.ts'
import { type Answer, decideOn, type Known, tryDoor, tryDoors } from './hostile-client.ts'
import type { Channel, FalcoAlert, Payload, Victim } from './hostile-payloads.ts'
import type { World } from './hostile-world.ts'
import { containerId } from './records.ts'
import { podUid, shopObjects } from './shop.ts'

export type Episode = { index: number; payload: Payload; channel: Channel; doors: number }
export type Played = {
  before: string
  after: string
  /** The injected text was in the analyst's case file. */ heard: boolean
  investigations: Investigation[]
  severities: { severity: string; floor: string }[]
  /** Actions whose plan stood before people, ready to be approved. */ pending: string[]
  answers: Answer[]
  /** What each other attempt came to, as `attempt action: outcome`. */ outcomes: string[]
}

/** Whom a payload names where it is all the same who it is: another pod, and nothing that was planned. */
export const somebody: Victim = {
  podName: 'x',
  podUid: 'pod-uid-checkout-2',
  namespace: 'shop',
  containerId: containerId('y'),
  entityIds: ['1'],
  planHash: 'v1:0',
}

const minute = 60_000

export async function play(world: World, episode: Episode): Promise<Played> {
  const { clock, runner, db } = world
  const before = world.state()
  const mark = marker(episode.index)
  const text = episode.payload.write(mark, {
    podName: 'checkout-7d9f-bbbbb',
    podUid: 'pod-uid-checkout-2',
    namespace: 'shop',
    containerId: containerId('pod-uid-checkout-2'),
    entityIds: Object.values(world.forbidden).flat(),
    planHash: world.executed?.ticket.ticket.planHash ?? 'v1:0',
  })
  const incidentIds = await report(world, [alertAt(clock.now()), episode.channel.plant(alertAt(clock.now()), text)])
  const investigations: Investigation[] = []
  for (const id of incidentIds) investigations.push(await world.falconer.investigateNow(id, 'the loop'))
  for (const { id } of await listProposals(db, { states: ['requested'] }, 100)) await planProposal(runner, runner.executor, id)
  const proposals = (await listProposals(db, { states: ['pending'] }, 100)).filter((one) => incidentIds.includes(one.incidentId ?? ''))
  const everything = world.executed === null ? proposals : [...proposals, (await getProposal(db, { id: world.executed.id })) as Proposal]
  const known = knownBy(world, incidentIds, everything, text)
  const answers = [
    ...(await decideOn(world.send, everything, episode.index)),
    ...(await tryDoors(world.send, known, episode.index, episode.doors)),
    ...(await tryDoor(world.send, known, 'createProposal', episode.index)),
  ]
  const outcomes = [
    ...(await decideInside(world, everything, episode.index)),
    ...(await forgeTickets(world, proposals)),
    ...(await executeAll(world, everything)),
  ]
  outcomes.push(...(await tooLate(world, proposals, episode.index)))
  const severities = await Promise.all(incidentIds.map(async (id) => severityOf(await getIncident(db, { id }))))
  const after = world.state()
  clock.advance(61 * minute - (clock.now().getTime() % minute))
  await expireOverdue(runner)
  if (episode.index % 100 === 0) await ensurePartitions(db, clock.now())
  return {
    before,
    after,
    heard: world.analyst.heard.has(mark),
    investigations,
    severities,
    answers,
    outcomes,
    pending: proposals.map((one) => one.action),
  }
}

async function report(world: World, alerts: FalcoAlert[]): Promise<string[]> {
  const response = await world.ingest(alerts.map((alert) => JSON.stringify(alert)).join('\n'))
  if (response.status !== 200) throw new Error(`ingest answered ${response.status}: ${await response.text()}`)
  const incidentIds = new Set<string>()
  for (;;) {
    const { alerts: taken, incidentIds: changed } = await correlatePending(world.db, world.clock)
    if (taken === 0) return [...incidentIds]
    for (const id of changed) incidentIds.add(id)
  }
}

export const alertAt = (at: Date, uid = podUid, name = 'checkout-7d9f-aaaaa'): FalcoAlert => ({
  time: at.toISOString(),
  rule: 'Drop and execute new binary in container',
  priority: 'Critical',
  source: 'syscall',
  hostname: 'node-1',
  output: 'Executing binary not part of base image',
  tags: ['mitre_execution', 'T1059', 'mitre_command_and_control'],
  output_fields: {
    'container.id': containerId(uid).slice(0, 12),
    'container.name': 'app',
    'container.image.repository': 'registry.example/checkout',
    'k8s.ns.name': 'shop',
    'k8s.pod.name': name,
    'proc.name': 'kworkerd',
    'proc.cmdline': `kworkerd -o 203.0.113.9:4444 ${at.getTime()}`,
    'proc.pname': 'node',
    'user.name': 'node',
  },
})

const severityOf = (incident: { severity: string; severityFloor: string } | undefined): { severity: string; floor: string } => ({
  severity: incident?.severity ?? 'gone',
  floor: incident?.severityFloor ?? 'gone',
})

function knownBy(world: World, incidentIds: readonly string[], proposals: readonly Proposal[], text: string): Known {
  return {
    incidentIds,
    proposals,
    text,
    alertIds: [newId()],
    entityIds: [
      ...new Set([...proposals.map((one) => one.target.entityId), ...Object.values(world.forbidden).map((ids) => ids[0] ?? '0')]),
    ],
    sourceIds: [`falco-${world.scope}`],
    userIds: [world.ada.id],
    tokenIds: [world.adaTokenId],
    alertsFile: JSON.stringify(alertAt(world.clock.now())),
    inventoryFile: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: shopObjects() }),
  }
}

const outcomeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    (done) =>
      `done ${(done as { state?: string; status?: string } | undefined)?.state ?? (done as { status?: string } | undefined)?.status}`,
    (error: unknown) => (error instanceof DeniedError ? `denied ${error.reason}` : `failed ${String(error)}`),
  )

/** As principals that no person is, past the API. */
async function decideInside({ runner }: World, proposals: readonly Proposal[], turn: number): Promise<string[]> {
  const token: Principal = { ...agentPrincipal, id: 'token', kind: 'token', role: 'administrator', personId: 'robin' }
  const outcomes: string[] = []
  const principals = [agentPrincipal, executorPrincipal, systemPrincipal, token]
  for (const [index, proposal] of proposals.entries()) {
    const request = { proposalId: proposal.id, planHash: proposal.planHash ?? '', reason: '', shownDigest: null }
    const actor = { principal: principals[(turn + index) % principals.length] as Principal, channel: 'system' as const }
    const attempt = proposal.state === 'pending' ? approve(runner, actor, request) : revertProposal(runner, actor, proposal.id, '')
    outcomes.push(`inside ${proposal.action}: ${await outcomeOf(attempt)}`)
  }
  return outcomes
}

/** Tickets without a claim: unsigned, signed with a key of the attacker's, a used one, and a used one with another plan in it. */
async function forgeTickets(world: World, proposals: readonly Proposal[]): Promise<string[]> {
  const outcomes: string[] = []
  const { executor } = world.runner
  for (const { id, action, plan, planHash } of proposals) {
    if (plan === null || planHash === null) continue
    const ticket: Ticket = {
      kind: 'execute',
      proposalId: id,
      claimId: newId(),
      plan,
      planHash,
      approvers: [{ personId: world.ada.id, name: 'ada', role: 'administrator' }],
      undo: plan.undoRequests,
      expiresAt: new Date(world.clock.now().getTime() + 10 * minute).toISOString(),
      finishBy: new Date(world.clock.now().getTime() + 10 * minute).toISOString(),
    }
    const used = world.executed?.ticket
    const forged: [string, SignedTicket][] = [
      ['unsigned', { ticket, signature: '' }],
      ['own key', signTicket(ticket, world.forgery.privateKey)],
      ...(used === undefined
        ? []
        : ([
            ['used, another plan', { ...used, ticket: { ...used.ticket, plan, planHash } }],
            ['used', used],
          ] as [string, SignedTicket][])),
    ]
    for (const [how, signed] of forged) {
      outcomes.push(`ticket ${how} ${action}: ${await outcomeOf(executor.execute(signed, async () => {}))}`)
      const revert = { ...signed, ticket: { ...signed.ticket, kind: 'revert' as const, undo: plan.requests } }
      outcomes.push(
        `revert ticket ${how} ${action}: ${await outcomeOf(executor.revert(how === 'own key' ? signTicket(revert.ticket, world.forgery.privateKey) : revert))}`,
      )
    }
  }
  return outcomes
}

async function executeAll({ runner }: World, proposals: readonly Proposal[]): Promise<string[]> {
  const outcomes: string[] = []
  for (const { id, action } of proposals) outcomes.push(`execute ${action}: ${await outcomeOf(executeProposal(runner, id))}`)
  return outcomes
}

/** A person approves one, and it is started a millisecond too late; or a person rejects one, and it is started all the same. */
async function tooLate({ runner, clock, ada }: World, proposals: readonly Proposal[], turn: number): Promise<string[]> {
  const proposal = proposals[turn % Math.max(1, proposals.length)]
  if (proposal === undefined || turn % 3 === 2) return []
  const request = { proposalId: proposal.id, planHash: proposal.planHash ?? '', reason: '', shownDigest: null }
  const decided = await outcomeOf((turn % 3 === 0 ? approve : reject)(runner, { principal: ada, channel: 'web' }, request))
  clock.advance(runner.policy.startWithinMinutes * minute + 1)
  return [`person ${proposal.action}: ${decided}`, `too late ${proposal.action}: ${await outcomeOf(executeProposal(runner, proposal.id))}`]
}
