/** One proposal: exactly what would change, on what, how it is undone, and who decides. The card is rendered here, from the plan, never by an analyst. */
import { createHash } from 'node:crypto'
import { html } from 'hono/html'
import { shortId } from '../../domain/ids.ts'
import { roleAtLeast } from '../../domain/principal.ts'
import type { Approval, Plan, PlannedRequest, Proposal } from '../../domain/proposal.ts'
import { getAction } from '../../responses/catalog/catalog.ts'
import { actionPolicy, checkApprover } from '../../responses/policy.ts'
import type { StoredArtifact } from '../../store/proposals.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { csrfField, empty, fact, type Html, nothing, plural, stateBadge, timeOf, untrusted, withTimes } from './parts.ts'

export type ProposalData = { proposal: Proposal; approvals: Approval[]; artifacts: StoredArtifact[] }
const steps = [
  ['requested', 'asked for'],
  ['pending', 'planned'],
  ['approved', 'approved'],
  ['executing', 'running'],
  ['succeeded', 'done'],
] as const

export async function proposalPage(falconer: Falconer, who: Who, data: ProposalData): Promise<Html> {
  const { proposal } = data
  const action = getAction(proposal.action)
  const card = proposal.plan === null ? nothing : planCard(proposal.plan, proposal.planHash ?? '', changeTitle(proposal))
  const shown = createHash('sha256')
    .update(String(await card))
    .digest('hex')
  const place = `${proposal.target.namespace === null ? '' : `${proposal.target.namespace}/`}${proposal.target.name}`
  return layout(
    { title: `${action.title} ${place}`, place: 'approvals', who, falconer, live: ['proposals'] },
    html`<p class="crumb"><a href="/approvals">Approvals</a> / ${shortId('proposal', proposal.id)}</p>
<h1>${action.title} ${untrusted(place, 160)}</h1>
<p class="headline">${stateBadge(proposal.state)}<span>asked for by ${untrusted(proposal.proposedBy.name, 60)}</span>${timeOf(proposal.createdAt)}${proposal.incidentId === null ? nothing : html`<a href="/incidents/${proposal.incidentId}">${shortId('incident', proposal.incidentId)}</a>`}</p>
${progress(proposal)}
${proposal.stateReason === null || proposal.stateReason === proposal.result?.text ? nothing : html`<p class="notice">${withTimes(untrusted(proposal.stateReason, 600))}${proposal.supersededBy === null ? nothing : html` <a href="/proposals/${proposal.supersededBy}">The new proposal</a>`}</p>`}
<div class="columns"><div>
${proposal.state === 'pending' ? nothing : outcome(data, who)}
<section class="card" aria-labelledby="why"><h2 id="why">Why</h2><p>${untrusted(proposal.reason, 600)}</p><p class="quiet">${action.description}</p></section>
${card}
${proposal.state === 'pending' ? decisionForm(falconer, who, data, shown) : nothing}
</div><aside><section class="card"><h2>Target</h2><dl class="facts">${fact('What', html`<a href="/cluster/${proposal.target.entityId}">${proposal.target.workloadKind ?? proposal.target.kind} ${untrusted(place, 160)}</a>`)}${fact('UID', html`<span class="mono">${untrusted(proposal.target.uid, 80)}</span>`)}${fact('Cluster', `${untrusted(proposal.target.scope, 100)}${proposal.plan?.simulated === true ? ' (simulated)' : ''}`)}</dl></section>
${decisions(falconer, data)}</aside></div>`,
  )
}

const changeTitle = ({ state }: Proposal): string => {
  if (['rejected', 'expired', 'superseded', 'unplannable', 'failed'].includes(state)) return 'What would have changed'
  if (['succeeded', 'partial', 'reverting', 'reverted'].includes(state)) return 'What was changed'
  return 'What will change'
}

function progress(proposal: Proposal): Html {
  const at = { planning: 'requested', partial: 'succeeded', failed: 'succeeded' }[proposal.state as string] ?? proposal.state
  if (!steps.some(([state]) => state === at)) return nothing
  return html`<ol class="steps" aria-label="Progress">${steps.map(([state, label]) => html`<li${state === at ? html` aria-current="step"` : nothing}>${state === at && (proposal.state === 'failed' || proposal.state === 'partial') ? proposal.state : label}</li>`)}</ol>`
}

function planCard(plan: Plan, hash: string, title: string): Html {
  return html`<section class="card" aria-labelledby="change"><h2 id="change">${title}${plan.simulated ? ' (on the simulated cluster)' : ''}</h2>
<p><strong>${untrusted(plan.summary, 400)}</strong></p>
<pre class="diff"><code>${plan.diff.split('\n').map(
    (line) => html`<span class="${line.startsWith('+') ? 'plus' : line.startsWith('-') ? 'minus' : ''}">${untrusted(line, 400)}</span>
`,
  )}</code></pre>
<dl class="facts">${fact('Affects', untrusted(plan.blastRadius.summary, 400))}${fact('Undo', plan.undo === null ? html`<strong>Cannot be undone.</strong>` : untrusted(plan.undo, 300))}${plan.evidenceFirst.length === 0 ? nothing : fact('Stored first', untrusted(plan.evidenceFirst.join(', '), 600))}</dl>
${plan.warnings.map((warning) => html`<p class="notice">${untrusted(warning, 400)}</p>`)}
<details class="more" id="requests"><summary>The exact requests (${plan.requests.length})</summary>${plan.requests.map(request)}${plan.undoRequests.length === 0 ? nothing : html`<h3>And to undo it</h3>${plan.undoRequests.map(request)}`}<p class="quiet">Plan hash <code>${hash}</code>: what is approved is this, and nothing else is sent.</p></details></section>`
}

const request = (
  one: PlannedRequest,
): Html => html`<pre><code>${one.verb.toUpperCase()} ${one.resource} ${one.namespace === null ? '' : `${untrusted(one.namespace, 80)}/`}${untrusted(one.name, 120)}
${one.body === null ? '' : untrustedLines(JSON.stringify(inReadingOrder(one.body), null, 2))}</code></pre>`
/** As people write manifests; the database keeps keys in an order of its own. */
const firstKeys = ['apiVersion', 'kind', 'metadata', 'namespace', 'name', 'spec']
function inReadingOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inReadingOrder)
  if (value === null || typeof value !== 'object') return value
  const rank = (key: string): number => (firstKeys.includes(key) ? firstKeys.indexOf(key) : firstKeys.length)
  const keys = Object.keys(value).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return Object.fromEntries(keys.map((key) => [key, inReadingOrder((value as Record<string, unknown>)[key])]))
}
const untrustedLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => untrusted(line, 400))
    .join('\n')

function decisionForm(falconer: Falconer, who: Who, { proposal, approvals }: ProposalData, shown: string): Html {
  let refusal: string | null = null
  try {
    checkApprover(falconer.responses.policy, proposal, who.principal)
  } catch (error) {
    refusal = (error as Error).message
  }
  if (proposal.plan?.simulated === false && !falconer.responses.actionsEnabled)
    refusal = 'Actions on real clusters are switched off on this server (FALCONER_ACTIONS), so this cannot be approved.'
  if (approvals.some((one) => one.personId === who.principal.personId && one.decision === 'approve'))
    refusal = 'You have approved this. It needs another person too.'
  if (refusal !== null) return html`<section class="card"><h2>Decide</h2><p>${refusal}</p></section>`
  return html`<section class="card" aria-labelledby="decide"><h2 id="decide">Decide</h2><form method="post" action="/proposals/${proposal.id}/decide">${csrfField(who.csrf)}<input type="hidden" name="planHash" value="${proposal.planHash}"><input type="hidden" name="shown" value="${shown}">
<label for="reason">Reason <span class="quiet">(optional, kept in the audit log)</span></label><textarea id="reason" name="reason" maxlength="2000"></textarea>
<div class="actions"><button name="do" value="approve">Approve and run</button><button class="danger" name="do" value="reject">Reject</button><span class="quiet">${proposal.expiresAt === null ? '' : html`Expires ${timeOf(proposal.expiresAt)}`}</span></div></form></section>`
}

function outcome({ proposal, artifacts }: ProposalData, who: Who): Html {
  const { result } = proposal
  if (result === null)
    return proposal.plan === null && (proposal.state === 'requested' || proposal.state === 'planning')
      ? empty('Being planned', html`<p>The executor is working out the exact change and asking the cluster whether it would take it.</p>`)
      : nothing
  const { observation } = result
  return html`<section class="card" aria-labelledby="outcome"><h2 id="outcome">What came of it</h2><p><strong>${untrusted(result.text, 600)}</strong></p>
<p>${observation.level === 'effect_observed' ? html`<span class="badge benign">effect observed</span> ` : observation.level === 'none' ? nothing : html`<span class="badge pending">${observation.level}</span> `}${untrusted(observation.text, 600)}</p>
${observation.remaining.length === 0 ? nothing : html`<p>Still open:</p><ul>${observation.remaining.map((one) => html`<li>${untrusted(one, 300)}</li>`)}</ul>`}
${artifacts.length === 0 ? nothing : html`<h3>Stored</h3><ul>${artifacts.map((one) => html`<li><a href="/proposals/${proposal.id}/artifacts/${one.id}" download>${untrusted(one.name, 120)}</a> <span class="quiet">${plural(one.size, 'byte')}, SHA-256 <span class="mono">${one.sha256.slice(0, 16)}…</span></span></li>`)}</ul>`}
${result.undo.length > 0 && (proposal.state === 'succeeded' || proposal.state === 'partial') && roleAtLeast(who.principal.role, 'responder') ? html`<form method="post" action="/proposals/${proposal.id}/revert">${csrfField(who.csrf)}<label for="undo-reason">Undo it <span class="quiet">(${untrusted(proposal.plan?.undo ?? '', 200)})</span></label><input type="text" id="undo-reason" name="reason" maxlength="2000" placeholder="Reason"><div class="actions"><button class="second">Undo</button></div></form>` : nothing}</section>`
}

function decisions(falconer: Falconer, { proposal, approvals }: ProposalData): Html {
  const { approvers, proposerExcluded } = actionPolicy(falconer.responses.policy, proposal.action)
  return html`<section class="card"><h2>Decisions</h2><p class="quiet">Needs ${plural(proposal.quorum, 'approval')} by a ${approvers} or above${proposerExcluded ? ', not by who asked for it' : ''}.</p>${approvals.length === 0 ? html`<p>Nobody has decided yet.</p>` : html`<ul class="claims">${approvals.map((one) => html`<li>${untrusted(one.name, 60)} (${one.role}): ${{ approve: 'approved', reject: 'rejected', revert: 'undid it' }[one.decision]}${one.reason === '' ? nothing : html`, “${untrusted(one.reason, 300)}”`}<div class="quiet">${timeOf(one.at)}, by ${one.channel}</div></li>`)}</ul>`}</section>`
}

export function approvalsPage(falconer: Falconer, who: Who, waiting: readonly Proposal[], decided: readonly Proposal[]): Html {
  const list = (proposals: readonly Proposal[]): Html =>
    html`<div class="card"><ul class="rows">${proposals.map((proposal) => html`<li><a class="row" href="/proposals/${proposal.id}"><span>${stateBadge(proposal.state)}</span><span class="title">${getAction(proposal.action).title} ${untrusted(`${proposal.target.namespace === null ? '' : `${proposal.target.namespace}/`}${proposal.target.name}`, 140)}</span><span class="aside">${proposal.plan?.simulated === true ? html`<span class="quiet">simulated</span>` : nothing}${proposal.state === 'pending' ? html`<span class="go">Read and decide</span>` : nothing}</span><span class="meta">${withTimes(untrusted(proposal.stateReason ?? proposal.plan?.summary ?? proposal.reason, 200))} · ${timeOf(proposal.updatedAt)}</span></a></li>`)}</ul></div>`
  return layout(
    { title: 'Approvals', place: 'approvals', who, falconer, live: ['proposals'] },
    html`<h1>Approvals</h1>
${waiting.length === 0 ? empty('Nothing waits for you', html`<p>When an investigation recommends an action on something inventory knows, its exact plan appears here. ${falconer.cluster === null ? html`No cluster is connected, so nothing can be planned: set <code>FALCONER_KUBECONFIG</code>.` : ''}</p>`) : list(waiting)}
${decided.length === 0 ? nothing : html`<h2>Decided and done</h2>${list(decided)}`}`,
  )
}
