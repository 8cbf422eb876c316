/**
 * How often Slack may be asked: a message a second in each channel, and for each method what its tier allows in a minute. Whoever may not ask now is told when;
 * nobody sleeps here. Kept in rows: of all servers together.
 */
import type { Clock } from '../../domain/clock.ts'
import type { Database } from '../../store/database.ts'
import { takeSlackPace } from '../../store/slack-cards.ts'

export type Call = 'post' | 'update' | 'look'

/** Slack: chat.postMessage 1 a second in a channel, chat.update and conversations.history tier 3 (50 a minute); a little below that. So many at once after a rest; a channel has none of it. */
const paces = { post: { everyMs: 1_050, burst: 1 }, update: { everyMs: 1_400, burst: 5 }, look: { everyMs: 1_400, burst: 5 } } as const

/** 0: ask now, it is counted. Else so many milliseconds from now. */
export type Pace = { take(call: Call, channel: string): Promise<number> }

export const pacing = (db: Database, clock: Clock): Pace => ({
  take: (call, channel) => takeSlackPace(db, call === 'post' ? `post ${channel}` : call, paces[call], clock.now()),
})

/** For what somebody waits for, and Slack is seldom asked. */
export const unpaced: Pace = { take: async () => 0 }
