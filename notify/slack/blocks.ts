/** Blocks as cards use them, within Slack’s limits; and what a message shows, as a hash, so that nothing is sent that changes nothing. */
import { createHash } from 'node:crypto'
import type { types } from '@slack/bolt'
import { actionsBlockId } from './actions.ts'
import { plain, slackLimits } from './text.ts'

export type Block = types.KnownBlock
export type Inline = types.RichTextElement
/** `mention`: whom the first post of it calls; never in an update. */
export type Card = { text: string; blocks: Block[]; mention?: 'here' | 'channel' }

export const header = (text: string): Block => ({
  type: 'header',
  text: { type: 'plain_text', text: plain(text, slackLimits.header) || '(no title)', emoji: false },
})

export const lines = (...all: readonly (readonly Inline[])[]): Block => ({
  type: 'rich_text',
  elements: all.flatMap((elements, index) => [
    {
      type: 'rich_text_section' as const,
      elements: index === all.length - 1 ? [...elements] : [...elements, { type: 'text' as const, text: '\n' }],
    },
  ]),
})

/** Each at a point of its own, under a heading. */
export const points = (heading: string, all: readonly (readonly Inline[])[]): Block => ({
  type: 'rich_text',
  elements: [
    { type: 'rich_text_section', elements: [{ type: 'text', text: heading, style: { bold: true } }] },
    { type: 'rich_text_list', style: 'bullet', elements: all.map((elements) => ({ type: 'rich_text_section', elements: [...elements] })) },
  ],
})

export const preformatted = (text: string): Block => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: text === '' ? '(nothing)' : text }] }],
})

/** Small print. */
export const context = (...texts: readonly string[]): Block => ({
  type: 'context',
  elements: texts.slice(0, slackLimits.context).map((text) => ({ type: 'plain_text', text: plain(text, 1_000) || '–', emoji: false })),
})

export type ButtonOf = { id: string; label: string; value?: string; url?: string; style?: 'primary' | 'danger' }

export const buttons = (...all: readonly ButtonOf[]): Block => ({
  type: 'actions',
  block_id: actionsBlockId,
  elements: all.map(({ id, label, ...rest }) => ({
    type: 'button',
    action_id: id,
    text: { type: 'plain_text', text: plain(label, slackLimits.button), emoji: false },
    ...rest,
  })),
})

/** No more than Slack takes: what is too much goes from the middle, the last block (the buttons) stays. */
export function bounded(blocks: readonly Block[]): Block[] {
  if (blocks.length <= slackLimits.blocks) return [...blocks]
  return [...blocks.slice(0, slackLimits.blocks - 2), context('More is on the page.'), ...blocks.slice(-1)]
}

export const shownHash = ({ text, blocks }: Pick<Card, 'text' | 'blocks'>): string =>
  createHash('sha256')
    .update(JSON.stringify([text, blocks]))
    .digest('hex')
