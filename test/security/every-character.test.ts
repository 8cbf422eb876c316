/**
 * Guarantee 7 for each character there is: shown as it is only where Unicode calls it a letter, a mark, a number, punctuation, a symbol or the plain space
 * and nobody calls it ignorable; else as its number. For what a model, a page, a terminal and a picture are given; what is expected is said here anew.
 */
import { html } from 'hono/html'
import { describe, expect, it } from 'vitest'
import { answerText, type TurnRow } from '../../apps/cli/chat-text.ts'
import { safe } from '../../apps/cli/output.ts'
import { turnCard } from '../../apps/slack/answer-blocks.ts'
import { claimText, untrusted } from '../../apps/web/parts.ts'
import type { Answer, Turn } from '../../domain/chat.ts'
import type { GroundedClaim } from '../../domain/report.ts'
import { said } from '../../graph/map/words.ts'
import { fallback, plain } from '../../notify/slack/text.ts'
import { fence, quote } from '../../tools/quoted.ts'
import { full, seed } from '../support/sizes.ts'

const all = 0x110000
/** Characters at once, unless there is less room: between two of them stands one that is nobody's. */
const batch = 512
const limit = 1_000_000

/** A blank of braille is a mark that nobody sees. */
const shown = (character: string): boolean =>
  /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character) && !/^[\p{Default_Ignorable_Code_Point}\u2800]$/u.test(character)
const numbered = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
const expected = (character: string): string => (shown(character) ? character : numbered(character))
const inHtml: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&#39;' }

/** Its text is mrkdwn: three entities, and nothing that begins a mention, a channel’s name or a style. */
const inSlack: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  ...Object.fromEntries([...'@#*_~`'].map((mark) => [mark, `[${mark}]`])),
}

/** A sentence of an answer, in words and as a value that it quotes. Marks of a quotation are not shown, they make one. */
const marks = new Set(['⟦', '⟧'])
const claimOf = (text: string): GroundedClaim => ({ text, kind: 'inference', evidence: [], grounded: true, problems: [] })
const answerOf = (text: string): Answer => ({
  by: 'rules',
  claims: [claimOf(text)],
  unknowns: [],
  notes: [],
  links: [],
  followUps: [],
  partial: null,
  spend: null,
})
const onTerminal = (text: string): string =>
  (answerText({ answer: answerOf(text) } as unknown as TurnRow, '').split('\n')[0] ?? '').slice('  · '.length, -1)
const inMessage = (text: string): string => {
  const turn: Pick<Turn, 'state' | 'answer' | 'error'> = { state: 'answered', answer: answerOf(text), error: null }
  const [list] = turnCard(turn, [], { pages: '', page: '' }).blocks as { elements: { elements: { elements: { text: string }[] }[] }[] }[]
  return list?.elements[0]?.elements[0]?.elements.map((one) => one.text).join('') ?? ''
}

type Output = { of(text: string): string; expected(character: string): string; atOnce?: number; but?: ReadonlySet<string> }
const outputs: Record<string, Output> = {
  'what a model is given': {
    of: (text) => quote(text, limit).slice(1, -1),
    expected: (one) => (one === fence.open || one === fence.close ? numbered(one) : expected(one)),
  },
  'what a page shows': { of: (text) => String(html`${untrusted(text, limit)}`), expected: (one) => inHtml[one] ?? expected(one) },
  'what a terminal shows': { of: (text) => safe(text, limit), expected },
  'what a card in Slack shows': { of: (text) => plain(text, limit), expected },
  'what a notification of Slack says': { of: (text) => fallback(text, limit), expected: (one) => inSlack[one] ?? expected(one) },
  'what a picture says': { of: (text) => said(text, limit), expected },
  'an answer of chat on its page': {
    of: (text) => String(claimText(claimOf(text))),
    expected: (one) => inHtml[one] ?? expected(one),
    atOnce: 128,
    but: marks,
  },
  'what it quotes, there': {
    of: (text) => String(claimText(claimOf(`⟦${text}⟧`))).replace(/^<code>(.*)<\/code>$/su, '$1'),
    expected: (one) => inHtml[one] ?? expected(one),
    atOnce: 16,
    but: marks,
  },
  'an answer of chat on a terminal': { of: onTerminal, expected, atOnce: 64, but: marks },
  'an answer of chat in Slack': { of: inMessage, expected, atOnce: 32, but: marks },
}

/** About a twentieth of all, other ones each day, and each day those below U+3000 with them. */
function* chosen(): Generator<string> {
  for (let at = 0; at < all; at += 1) if (full || at < 0x3000 || at % 20 === seed % 20) yield String.fromCodePoint(at)
}

describe('every character', () => {
  it.each(Object.keys(outputs))(
    'guarantee 7: is harmless in %s',
    async (name) => {
      const { of, expected: meant, atOnce = batch, but } = outputs[name] as Output
      let held: string[] = []
      let count = 0
      const compare = (): void => {
        count += held.length
        const text = of(held.join('\u00b7'))
        const right = held.map(meant).join('\u00b7')
        if (text !== right) for (const one of held) expect(of(`a${one}b`), numbered(one)).toBe(`a${meant(one)}b`)
        held = []
      }
      for (const character of chosen()) {
        // The two that Falconer reads for itself: the number it writes, and the middle dot of this test.
        if (character === '\u00b7' || but?.has(character) === true) continue
        held.push(character)
        if (held.length === atOnce) compare()
      }
      compare()
      expect(count).toBeGreaterThan(full ? all - 4 : all / 20)
    },
    600_000,
  )

  it('guarantee 7: of characters counted', ({ task }) => {
    Object.assign(task.meta, { cases: [...chosen()].length * Object.keys(outputs).length })
  })

  it('is what a check that can fail says, and an escape cannot be forged', () => {
    expect(shown('\u202e') || shown('\u{e0041}') || shown('\u200b') || shown('\u3164') || shown('\0')).toBe(false)
    expect(shown('é') && shown('中') && shown('😀') && shown('ª')).toBe(true)
    expect(untrusted('\\u{202e}')).toBe('\\\\u{202e}')
  })
})
