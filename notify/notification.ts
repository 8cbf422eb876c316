/**
 * The contract of a channel: something happened to an incident or a proposal, and one destination is told in its own words. A channel sends once and says
 * what came of it; when to try again, in which order, and what is told at all is deliver.ts's. It never throws for what the destination does.
 */
import type { Change } from '../store/incident-notices.ts'
import type { Note } from '../store/outside-notes.ts'
import type { IncidentFacts } from './incident-facts.ts'
import type { ProposalFacts } from './proposal-facts.ts'

export type Notification = {
  /** The same for the same change of the same incident, however often it is sent: receivers tell repetitions by it. */ id: string
  change: Change
  /** Grows with every change of the incident that this destination is told. */ version: number
  facts: IncidentFacts
}

export type Outcome =
  | { outcome: 'taken' }
  /** Not its turn yet, by the channel's own pace: nothing is wrong. */
  | { outcome: 'later'; afterMs: number }
  /** This one alone, for what it holds. */
  | { outcome: 'refused'; reason: string }
  /** Nothing would be taken now. `retryAfterMs`: as the destination asks. */
  | { outcome: 'away'; reason: string; retryAfterMs: number | null }

export interface Channel {
  /** Of one destination: another place to send to is another name, and is told from its own beginning. No secret. */
  readonly name: string
  send(notification: Notification, signal: AbortSignal): Promise<Outcome>
  /** What is about no incident, e.g. that no model is asked any more. A channel without it is not told. */
  note?(note: Note, signal: AbortSignal): Promise<Outcome>
  /** What a proposal is now. A channel without it is not told. */
  proposal?(facts: ProposalFacts): Promise<Outcome>
  /** What the channel tells by itself when its time has come, e.g. a summary: whether there is something, asked often; and telling it, by one server. */
  readonly own?: { isDue(): Promise<boolean>; tell(): Promise<Outcome> }
}
