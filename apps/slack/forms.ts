/** What the forms in Slack have in common: the field for a reason, who pressed or sent one, and what is shown instead of or after one. */
import type { types } from '@slack/bolt'
import { type Inline, lines } from '../../notify/slack/blocks.ts'
import { link, prose, words } from '../../notify/slack/text.ts'
import type { SlackUser } from '../../store/slack-links.ts'

export const reasonBlock = 'reason'

export const textOf = (text: string): types.PlainTextElement => ({ type: 'plain_text', text, emoji: false })

export const reasonInput = (label: string, { optional }: { optional: boolean }): types.InputBlock => ({
  type: 'input',
  block_id: reasonBlock,
  optional,
  label: textOf(label),
  element: { type: 'plain_text_input', action_id: reasonBlock, multiline: true, max_length: 2_000 },
})

export const reasonIn = ({ values }: { values: Record<string, Record<string, { value?: string | null }>> }): string =>
  values[reasonBlock]?.[reasonBlock]?.value?.trim() ?? ''

/** With their own workspace: in a channel that two share it is not where the button is. */
export const whoSent = ({ user, team }: { user: { id: string; team_id?: string }; team?: { id: string } | null }): SlackUser => ({
  team: user.team_id ?? team?.id ?? '',
  user: user.id,
})

/** Says why nothing can be decided, or what was. */
export function noticeModal(title: string, text: string, url?: string): types.ModalView {
  const onPage: Inline[] = url === undefined ? [] : [words(' '), link(url, 'Open the page')]
  return { type: 'modal', title: textOf(title), close: textOf('Close'), blocks: [lines([prose(text, 1_500), ...onPage])] }
}
