/**
 * How often Slack may be asked: a message a second in each channel, and for each method what its tier allows in a minute. Whoever may not ask now is told when;
 * nobody sleeps here. Of this process alone: what a second server uses up is answered by Slack with 429.
 */
import type { Clock } from '../../domain/clock.ts'

export type Call = 'post' | 'update' | 'look'

/** Slack: chat.postMessage 1 a second in a channel, chat.update and conversations.history tier 3 (50 a minute); a little below that. */
const paceMs: Record<Call, number> = { post: 1_050, update: 1_400, look: 1_400 }
/** So many at once after a rest; a channel has none of it. */
const burst: Record<Call, number> = { post: 1, update: 5, look: 5 }

export class Pace {
  readonly #clock: Clock
  /** When the next would be due if all were asked evenly. */
  readonly #next = new Map<string, number>()
  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** 0: ask now, it is counted. Else so many milliseconds from now. */
  take(call: Call, channel: string): number {
    const key = call === 'post' ? `post ${channel}` : call
    const now = this.#clock.now().getTime()
    const next = Math.max(this.#next.get(key) ?? 0, now - (burst[call] - 1) * paceMs[call])
    if (next > now) return next - now
    this.#next.set(key, next + paceMs[call])
    return 0
  }
}
