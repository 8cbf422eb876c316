/**
 * A channel of a Slack workspace as a destination. Slack is a view of the record: cards are rendered from rows and changed in place. One thing at a time in
 * each channel, so that nothing overtakes; after a call that found Slack away, what stands behind it in the same round is not tried.
 */
import { isSlackDue } from '../../store/slack-cards.ts'
import type { Channel, Outcome } from '../notification.ts'
import { Arrivals } from '../slack/arrivals.ts'
import type { Desk } from '../slack/desk.ts'
import { tellDigests } from '../slack/digest.ts'
import { tellIncident } from '../slack/incident.ts'
import { tellSlackProposal } from '../slack/proposal.ts'
import { isQuiet } from '../slack/quiet.ts'
import { tellThreads } from '../slack/replies.ts'

/** Calls that stand behind slower ones are given back, so that a round ends before another server takes over. */
const mostWaitingMs = 20_000
const leftAloneMs = 500

export function slackChannel(options: Omit<Desk, 'arrivals'>): Channel {
  const desk: Desk = { ...options, arrivals: new Arrivals() }
  let last: Promise<unknown> = Promise.resolve()
  let awayAt = Number.NEGATIVE_INFINITY
  let away: Outcome = { outcome: 'taken' }

  const inTurn = (work: () => Promise<Outcome>): Promise<Outcome> => {
    const asked = performance.now()
    const mine = last.then(async (): Promise<Outcome> => {
      if (awayAt >= asked) return away
      if (performance.now() - asked > mostWaitingMs) return { outcome: 'later', afterMs: leftAloneMs }
      const outcome = await work()
      if (outcome.outcome === 'away') {
        awayAt = performance.now()
        away = outcome
      }
      return outcome
    })
    last = mine.catch(() => {})
    return mine
  }
  return {
    name: `slack ${options.channel}`,
    send: ({ facts, change }) => inTurn(() => tellIncident(desk, { facts, change })),
    proposal: (facts) => inTurn(() => tellSlackProposal(desk, facts)),
    own: {
      isDue: async () => {
        const now = desk.clock.now()
        return isSlackDue(desk.db, desk.channel, now, { quiet: isQuiet(desk.routes.quiet, now) })
      },
      tell: () =>
        inTurn(async () => {
          const summaries = await tellDigests(desk)
          return summaries.outcome === 'away' ? summaries : tellThreads(desk)
        }),
    },
  }
}
