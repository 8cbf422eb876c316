/**
 * Text for Slack. What comes from records stands only in elements that Slack does not read for mentions, links or formatting (plain_text, rich_text), never
 * in mrkdwn: one line, nothing invisible, secrets masked, bounded, and no address that a reader of text could make a link of. `fallback` is for the one
 * place that is mrkdwn whatever one does: the text of a notification.
 */
import type { types } from '@slack/bolt'
import { redact } from '../../domain/redact.ts'
import { visible } from '../../domain/untrusted.ts'
import { sentenceParts } from '../../incidents/sentence-parts.ts'

/** Slack’s own limits, in characters; blocks of one message; a whole text. */
export const slackLimits = { text: 3_000, header: 150, button: 75, blocks: 50, message: 40_000, context: 10 } as const

/** Of a record, as it may be shown. `limit` holds whatever escaping adds. */
export function plain(text: string, limit: number = slackLimits.text): string {
  const shown = noAddress(visible(redact(text.slice(0, longest)), limit))
  if (shown.length <= limit) return shown
  return `${shown.slice(0, Math.max(0, limit - 1)).replace(/[\ud800-\udbff]$/, '')}…`
}

/** Nothing is read further than this before it is masked and cut. */
const longest = 20_000

/** As `plain`, several lines of it: a diff. Lines that do not fit are counted. */
export function plainLines(text: string, limit: number = slackLimits.text): { text: string; left: number } {
  const lines = redact(text.slice(0, longest)).split('\n')
  const kept: string[] = []
  let room = limit
  for (const line of lines) {
    const shown = plain(line, 300)
    if (shown.length + 1 > room) break
    kept.push(shown)
    room -= shown.length + 1
  }
  const beyond = text.slice(longest).split('\n').length - 1
  return { text: kept.join('\n'), left: lines.length - kept.length + beyond }
}

/** For `text` of a message, which clients show in notifications. */
export function fallback(text: string, limit: number = slackLimits.text): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
  const inert = plain(text, limit)
    .replace(/[@#]/g, (mark) => `[${mark}]`)
    .replace(/:(?=[\w+'-]+:)/g, '[:]')
    .replace(/[*_~`]/g, (mark) => `[${mark}]`)
  let shown = ''
  for (const character of inert) {
    const next = entities[character] ?? character
    if (shown.length + next.length > limit) break
    shown += next
  }
  return shown
}

/** A scheme with nothing behind it is no address: `https[:]//evil.example`. */
const noAddress = (text: string): string =>
  text
    .replaceAll('://', '[:]//')
    .replace(/\b(mailto|tel|slack|javascript|data):(?=\S)/gi, '$1[:]')
    .replace(/\bwww\./gi, 'www[.]')

type Style = types.RichTextText['style']

export const words = (text: string, style?: Style): types.RichTextText => ({
  type: 'text',
  text,
  ...(style === undefined ? {} : { style }),
})

/** A value of a record, inside a line of ours. An empty text is none for Slack. */
export const value = (text: string, limit = 300, style: Style = { code: true }): types.RichTextText =>
  words(text === '' ? '(empty)' : plain(text, limit), style)

/** Sentences that hold what records say, as text among ours. */
export const prose = (text: string, limit = 300): types.RichTextText => words(text === '' ? '(empty)' : plain(text, limit))

/** Ours and nobody else’s: where it leads is never of a record. */
export const link = (url: string, text: string): types.RichTextLink => ({ type: 'link', url, text })

/** In each reader’s own time zone; the fallback says UTC. */
export const moment = (at: Date): types.RichTextDate => ({
  type: 'date',
  timestamp: Math.floor(at.getTime() / 1_000),
  format: '{date_short_pretty} {time_secs}',
  fallback: `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`,
})

/** A sentence of a report: words, and values quoted from records, as code. */
export function sentence(text: string, limit = 700): types.RichTextElement[] {
  const shown: types.RichTextElement[] = []
  let room = limit
  for (const part of sentenceParts(text)) {
    const piece =
      part.text.trim() === '' && part.quoted
        ? words('(empty)', { code: true })
        : (part.quoted ? value : prose)(part.text, Math.min(room, 400))
    shown.push(piece)
    room -= piece.text.length
    if (room <= 0) break
  }
  return shown
}
