/**
 * Questions from being heard to being answered. Each is a row before Slack is told that it was heard, and until its answer stands in Slack: what a crash cut off,
 * or Slack being away, is taken up again in order, by this server or another. What is a question, and how it is answered, is not known here.
 */
import { randomUUID } from 'node:crypto'
import { backOff } from '../../notify/back-off.ts'
import type { Outcome } from '../../notify/notification.ts'
import { answerOf } from '../../notify/slack/api.ts'
import {
  forgetHeard,
  keepHeard,
  keepHolding,
  noteHeardBegun,
  postponeHeard,
  releaseHeard,
  type SlackHeard,
  takeHeard,
} from '../../store/slack-heard.ts'
import type { Parts } from './parts.ts'

/** `event`: Slack’s id of it. `thread`: where the answer goes, so that questions there are answered in order. */
export type Kept = { event: string; channel: string; thread: string; body: Record<string, unknown> }
/** `begun`: questions behind it in its thread may follow. */
export type Answers = (heard: SlackHeard, begun: () => Promise<void>) => Promise<Outcome>
const holdMs = 60_000
const beatMs = 15_000
const lookMs = 1_000
const mostAtOnce = 8
const mostWaitMs = 5 * 60_000
const oldestMs = 7 * 86_400_000

export class Inbox {
  readonly #parts: Parts
  readonly #answers: Answers
  readonly #by = randomUUID()
  #busy = 0
  #timer: NodeJS.Timeout | undefined

  constructor(parts: Parts, answers: Answers) {
    this.#parts = parts
    this.#answers = answers
  }
  async start(): Promise<void> {
    const { db } = this.#parts.falconer
    if (db.kind === 'embedded') await releaseHeard(db)
    this.look()
    this.#timer = setInterval(() => this.look(), lookMs)
  }
  stop(): void {
    clearInterval(this.#timer)
  }
  keep(kept: Kept): Promise<void> {
    const { db, clock } = this.#parts.falconer
    return keepHeard(db, kept, clock.now())
  }
  /** There may be something to answer. */
  look(): void {
    this.#parts.working(this.#takeAll())
  }

  async #takeAll(): Promise<void> {
    const { falconer, working, stop } = this.#parts
    while (this.#busy < mostAtOnce && !stop.aborted) {
      this.#busy += 1
      const hold = { by: this.#by, now: falconer.clock.now(), until: this.#later(holdMs) }
      const heard = await takeHeard(falconer.db, hold).catch((error: unknown) => {
        this.#busy -= 1
        throw error
      })
      if (heard !== undefined)
        working(
          this.#handle(heard)
            .finally(() => (this.#busy -= 1))
            .then(() => this.look()),
        )
      else this.#busy -= 1
      if (heard === undefined) return
    }
  }

  async #handle(heard: SlackHeard): Promise<void> {
    const { db, log } = this.#parts.falconer
    const { id, attempts } = heard
    const beat = setInterval(() => void keepHolding(db, id, { by: this.#by, until: this.#later(holdMs) }).catch(() => {}), beatMs)
    try {
      const outcome = await this.#outcomeOf(heard)
      if (outcome.outcome === 'taken') return await forgetHeard(db, id)
      if (outcome.outcome === 'later') return await postponeHeard(db, id, { error: null, nextAt: this.#later(outcome.afterMs) })
      log.warn('Slack: an answer was not shown', { error: outcome.reason, channel: heard.channel })
      if (outcome.outcome === 'refused') return await forgetHeard(db, id)
      const waitMs = Math.max(outcome.retryAfterMs ?? 0, backOff(attempts, mostWaitMs))
      await postponeHeard(db, id, { error: outcome.reason, nextAt: this.#later(waitMs) })
    } finally {
      clearInterval(beat)
    }
  }

  async #outcomeOf(heard: SlackHeard): Promise<Outcome> {
    const { falconer, stop } = this.#parts
    const { db, clock, log } = falconer
    if (clock.now().getTime() - heard.heardAt.getTime() > oldestMs) return { outcome: 'refused', reason: 'it was asked a week ago' }
    try {
      return await this.#answers(heard, async () => {
        await noteHeardBegun(db, heard.id)
        this.look()
      })
    } catch (error) {
      // Our own end cut it off.
      if (stop.aborted) return { outcome: 'later', afterMs: 0 }
      if (String((error as { code?: unknown }).code).startsWith('slack_webapi_')) return answerOf(error).outcome
      log.error('Slack: a question failed', { error })
      return { outcome: 'away', reason: 'Falconer failed at it; its log says why', retryAfterMs: null }
    }
  }

  #later(ms: number): Date {
    return new Date(this.#parts.falconer.clock.now().getTime() + ms)
  }
}
