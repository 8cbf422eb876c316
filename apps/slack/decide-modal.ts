/**
 * What a person is shown before they decide in Slack: all of the plan that a decision is about, or nothing to press. What does not fit is decided on the page.
 * The digest of what was shown goes to the audit log with the decision.
 */
import { createHash } from 'node:crypto'
import type { types } from '@slack/bolt'
import { shortId } from '../../domain/ids.ts'
import type { Plan, Proposal } from '../../domain/proposal.ts'
import { type Block, header, lines, preformatted } from '../../notify/slack/blocks.ts'
import { placeOf, planFacts } from '../../notify/slack/proposal-card.ts'
import { link, moment, plain, plainLines, prose, value, words } from '../../notify/slack/text.ts'
import { reasonInput, textOf } from './forms.ts'

export const decideCallback = 'falconer_decide'
export type Decision = 'approve' | 'reject'
/** What comes back with the form. */
export type Held = { id: string; planHash: string; what: Decision; shown: string }

export function decideModal(
  what: Decision,
  proposal: Proposal & { plan: Plan; planHash: string },
  title: string,
  url: string,
): types.ModalView {
  const blocks = planBlocks(proposal, title, url)
  const held: Held = { id: proposal.id, planHash: proposal.planHash, what, shown: digest(blocks) }
  return {
    type: 'modal',
    callback_id: decideCallback,
    private_metadata: JSON.stringify(held),
    title: textOf(what === 'approve' ? 'Approve and run' : 'Reject'),
    submit: textOf(what === 'approve' ? 'Approve and run' : 'Reject'),
    close: textOf('Cancel'),
    blocks: [...blocks, reasonInput('Reason, kept in the audit log', { optional: true })],
  }
}

/** Whether a person can be shown all of it here. */
export function fits(plan: Plan): boolean {
  const { summary, blastRadius, undo, evidenceFirst, warnings, diff } = plan
  const whole = (text: string, limit: number): boolean => plain(text, limit + 100_000).length <= limit
  return (
    plainLines(diff).left === 0 &&
    diff.split('\n').every((line) => whole(line, 300)) &&
    [summary, blastRadius.summary, undo ?? '', evidenceFirst.join(', ')].every((text) => whole(text, 700)) &&
    warnings.length <= 6 &&
    warnings.every((text) => whole(text, 400))
  )
}

const digest = (blocks: readonly Block[]): string => createHash('sha256').update(JSON.stringify(blocks)).digest('hex')

function planBlocks({ id, target, plan, planHash, quorum, expiresAt }: Proposal & { plan: Plan }, title: string, url: string): Block[] {
  return [
    header(`${title} ${placeOf(target)}`),
    lines(
      [
        link(url, shortId('proposal', id)),
        words(' · cluster '),
        value(target.scope, 100),
        ...(plan.simulated ? [words(' (simulated)')] : []),
      ],
      [words('What will run: ', { bold: true }), prose(plan.summary, 700)],
    ),
    preformatted(plainLines(plan.diff).text),
    lines(
      ...planFacts(plan, { affects: 700, other: 700, warning: 400, warnings: plan.warnings.length }),
      [words('Plan hash: ', { bold: true }), words(planHash ?? '', { code: true })],
      [
        words(`Needs ${quorum === 1 ? 'one approval' : `approvals by ${quorum} different people`}; `),
        ...(expiresAt === null ? [] : [words('expires '), moment(expiresAt)]),
      ],
    ),
  ]
}
