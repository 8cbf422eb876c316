/** `/falconer …`: answered to whoever typed it and nobody else. What it tells is what chat answers by rules, with that person’s role. */
import type { App, RespondFn, SlashCommand } from '@slack/bolt'
import { confirmSlackLink, endSlackLink, requestSlackLink } from '../../auth/slack-links.ts'
import type { Card } from '../../notify/slack/blocks.ts'
import { lines } from '../../notify/slack/blocks.ts'
import { fallback, link, moment, value, words } from '../../notify/slack/text.ts'
import type { SlackUser } from '../../store/slack-links.ts'
import type { Asker } from '../server/chat.ts'
import { baseUrl } from '../server/urls.ts'
import { noticeCard } from './answer-blocks.ts'
import { follow } from './ask.ts'
import { askerOf, howToLink, type Parts, told } from './parts.ts'

const help = [
  '/falconer incidents: which are open',
  '/falconer fix-first [namespace]: what to fix first',
  '/falconer coverage: what nobody can see',
  '/falconer ask <question>',
  '/falconer link, /falconer unlink: say who you are in Falconer, and end that',
  'Or mention Falconer in a channel, or write to it directly. Approving is on the cards of proposals.',
] as const

export function hearCommand(app: App, parts: Parts): void {
  app.command('/falconer', async ({ command, ack, respond }) => {
    const [verb = '', ...rest] = command.text.trim().split(/\s+/)
    const who = { team: command.team_id, user: command.user_id }
    try {
      if (verb === '' || verb === 'help') return await ack(own(helpCard))
      if (verb === 'link')
        return await ack(own(await (rest.length === 0 ? linkCard(parts, command) : linkedCard(parts, who, rest.join('')))))
      const asker = await askerOf(parts, who)
      if (asker === null) return await ack(own(noticeCard(howToLink)))
      if (verb === 'unlink') {
        await endSlackLink(parts.falconer.auth, asker, who)
        parts.falconer.changed('people')
        return await ack(own(noticeCard('You are nobody in Falconer any more, as far as Slack is concerned.')))
      }
      const question = questionOf(verb, rest)
      if (question === null) return await ack(own(helpCard))
      await ack()
      parts.working(answer(parts, asker, question, respond))
    } catch (error) {
      await ack(own(noticeCard(told(parts, error))))
    }
  })
}

type Question = { text: string; model: boolean }
function questionOf(verb: string, rest: readonly string[]): Question | null {
  if (verb === 'incidents') return { text: 'Which incidents are open?', model: false }
  if (verb === 'coverage') return { text: 'Is anything silent?', model: false }
  if (verb === 'ask' && rest.length > 0) return { text: rest.join(' '), model: true }
  const [namespace] = rest
  if (verb !== 'fix-first') return null
  if (namespace === undefined) return { text: 'What should I fix first?', model: false }
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)
    ? { text: `What should I fix first in namespace ${namespace}?`, model: false }
    : null
}

/** One thread of chat holds what a person asks so. */
function answer(parts: Parts, asker: Asker, { text, model }: Question, respond: RespondFn): Promise<boolean> {
  const show = async (card: Card): Promise<void> => void (await respond({ ...own(card), replace_original: false }))
  return follow(parts, asker, { place: { channel: 'command', ts: '' }, text, model, show, endOnly: true })
}

async function linkCard(
  { falconer }: Parts,
  { team_id: team, team_domain: teamName, user_id: user, user_name: name }: SlashCommand,
): Promise<Card> {
  const { token, expiresAt, minutes } = await requestSlackLink(falconer.auth, { team, teamName, user, name })
  return {
    text: fallback('Open the link to say who you are in Falconer.'),
    blocks: [
      lines(
        [
          words('Open '),
          link(`${baseUrl(falconer)}/slack/link/${token}`, 'this link'),
          words(' and sign in if you are not. The page shows a code: type it here, as “/falconer link CODE”.'),
        ],
        [words(`It is for you alone, for ${minutes} minutes, until `), moment(expiresAt), words('.')],
      ),
    ],
  }
}

async function linkedCard({ falconer }: Parts, who: SlackUser, code: string): Promise<Card> {
  const { name, role } = await confirmSlackLink(falconer.auth, who, code)
  falconer.changed('people')
  return {
    text: fallback('You are somebody in Falconer now.'),
    blocks: [
      lines(
        [
          words('You are '),
          value(name, 80),
          words(` in Falconer now, with the role ${role}: what you ask and approve in Slack is theirs.`),
        ],
        [words('If that is not you, or to end it: “/falconer unlink”.')],
      ),
    ],
  }
}

const helpCard: Card = { text: fallback(help[0]), blocks: [lines(...help.map((line) => [words(line)]))] }
const own = ({ text, blocks }: Card) => ({ response_type: 'ephemeral' as const, text, blocks })
