/**
 * Approve and Reject on the cards of proposals. A button only opens a form; what it may do is looked up anew from the rows when it is pressed and when the
 * form is sent, and is decided by responses/approve.ts like on the page. Buttons of cards that Falconer does not know, or of another plan, do nothing.
 */
import type { App, BlockAction, ButtonAction, types } from '@slack/bolt'
import { z } from 'zod'
import { DeniedError } from '../../domain/errors.ts'
import type { Plan, Proposal } from '../../domain/proposal.ts'
import { readCardValue, slackActions } from '../../notify/slack/actions.ts'
import { approve, isOver, reject } from '../../responses/approve.ts'
import { getAction } from '../../responses/catalog/catalog.ts'
import { checkApprover, pageOnly } from '../../responses/policy.ts'
import { approvalsOf, getProposal } from '../../store/proposals.ts'
import type { SlackUser } from '../../store/slack-links.ts'
import { slackMessageAt } from '../../store/slack.ts'
import type { Asker } from '../server/chat.ts'
import { baseUrl } from '../server/urls.ts'
import { permit } from '../server/who.ts'
import { type Decision, decideCallback, decideModal, fits } from './decide-modal.ts'
import { noticeModal, reasonIn, whoSent } from './forms.ts'
import { askerOf, howToLink, type Parts, told, whisper } from './parts.ts'

const notice = (text: string, url?: string): types.ModalView => noticeModal('Proposal', text, url)

export function hearDecisions(app: App, parts: Parts): void {
  for (const what of ['approve', 'reject'] as const)
    app.action<BlockAction<ButtonAction>>(slackActions[what], async ({ ack, body, action }) => {
      await ack()
      await opened(parts, what, body, action.value)
    })
  app.view(decideCallback, async ({ ack, body, view }) => {
    const answer = await submitted(parts, whoSent(body), view.private_metadata, reasonIn(view.state))
    await ack({ response_action: 'update', view: answer })
  })
}

async function opened(parts: Parts, what: Decision, body: BlockAction, value: string | undefined): Promise<void> {
  const channel = body.channel?.id ?? ''
  const who = whoSent(body)
  const say = (text: string): Promise<void> =>
    whisper(parts, { channel, user: who.user, direct: false, thread: body.message?.thread_ts }, text)
  const asker = await askerOf(parts, who)
  if (asker === null) return say(howToLink)
  const view = await viewFor(parts, asker, what, { channel, ts: body.message?.ts ?? '', value }).catch((error: unknown) =>
    notice(told(parts, error)),
  )
  await parts.client.views.open({ trigger_id: body.trigger_id, view })
}

async function viewFor(
  parts: Parts,
  asker: Asker,
  what: Decision,
  { channel, ts, value }: { channel: string; ts: string; value: string | undefined },
): Promise<types.ModalView> {
  const { db } = parts.falconer
  const shown = readCardValue(value)
  const card = await slackMessageAt(db, channel, ts)
  if (shown === undefined || card?.kind !== 'proposal' || card.about !== shown.id)
    return notice('This is no card that Falconer keeps any more, so its buttons do nothing. Decide on the page.')
  const proposal = await getProposal(db, { id: shown.id })
  if (proposal === undefined) return notice('There is no such proposal any more.')
  const url = `${baseUrl(parts.falconer)}/proposals/${proposal.id}`
  const refusal = await whyNot(parts, asker, what, proposal, shown.planHash)
  const { plan, planHash } = proposal
  if (refusal !== null || plan === null || planHash === null) return notice(refusal ?? 'It has no plan yet.', url)
  return decideModal(what, { ...proposal, plan, planHash }, getAction(proposal.action).title, url)
}

/** In words; null: this person may be asked. Whether they may decide is asked once more when they do. */
async function whyNot({ falconer }: Parts, asker: Asker, what: Decision, proposal: Proposal, shownHash: string): Promise<string | null> {
  const { policy, actionsEnabled } = falconer.responses
  const { state, stateReason, plan } = proposal
  try {
    permit(asker, 'proposals.decide')
    if (state !== 'pending') return `It is ${state} already${stateReason === null ? '.' : `: ${stateReason}`}`
    if (isOver(falconer.responses, proposal)) return 'Nobody decided in time: it has expired. Propose it again.'
    if (proposal.planHash !== shownHash) return 'The plan is not the one that this card showed. Read the newest card, or the page.'
    checkApprover(policy, proposal, asker.principal)
  } catch (error) {
    if (error instanceof DeniedError) return error.message
    throw error
  }
  if (what === 'reject') return null
  return (
    approvalRefusal(plan, pageOnly(policy, proposal.action), actionsEnabled) ??
    (await approvedBefore(falconer.db, proposal, asker.principal.personId))
  )
}

function approvalRefusal(plan: Plan | null, onPage: boolean, actionsEnabled: boolean): string | null {
  if (onPage) return 'The policy marks this action as of high impact: it is approved on the page only, not in Slack.'
  if (plan !== null && !fits(plan)) return 'Not all of this plan can be shown here, so it is approved on the page.'
  if (plan?.simulated === false && !actionsEnabled)
    return 'Actions on real clusters are switched off. An administrator can set FALCONER_ACTIONS=true.'
  return null
}

async function approvedBefore(db: Parts['falconer']['db'], { id, planHash }: Proposal, personId: string): Promise<string | null> {
  const before = (await approvalsOf(db, id)).some(
    (one) => one.personId === personId && one.decision === 'approve' && one.planHash === planHash,
  )
  return before ? 'You have approved this. It needs another person too.' : null
}

const HeldForm = z.object({
  id: z.string(),
  planHash: z.string(),
  what: z.enum(['approve', 'reject']),
  shown: z.string().regex(/^[0-9a-f]{64}$/),
})

async function submitted(parts: Parts, who: SlackUser, metadata: string, reason: string): Promise<types.ModalView> {
  const { falconer } = parts
  try {
    const asker = await askerOf(parts, who)
    if (asker === null) return notice(howToLink)
    const { id, planHash, what, shown } = HeldForm.parse(JSON.parse(metadata))
    permit(asker, 'proposals.decide')
    const decide = { approve, reject }[what]
    const proposal = await decide(falconer.responses, asker, { proposalId: id, planHash, reason, shownDigest: shown })
    const url = `${baseUrl(falconer)}/proposals/${id}`
    return notice(outcome(what, proposal), url)
  } catch (error) {
    return notice(told(parts, error))
  } finally {
    falconer.changed('proposals')
  }
}

/** What came of it, not what was asked for: whoever decided before may have decided otherwise. */
function outcome(what: Decision, { state, quorum }: Proposal): string {
  if (what === 'reject') return state === 'rejected' ? 'You rejected it. It will not run.' : `Nothing has changed: it is ${state} already.`
  if (state === 'pending') return `You approved it. It needs approvals by ${quorum} different people.`
  return state === 'approved' ? 'You approved it; it runs now.' : `Nothing has changed: it is ${state} already.`
}
