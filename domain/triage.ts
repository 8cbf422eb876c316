/** Whether a model is asked about an incident, as it was last decided, and why: shown wherever a report is. */
export const triageOutcomes = ['ask', 'later', 'spare'] as const
export type TriageOutcome = (typeof triageOutcomes)[number]
export type TriageCode =
  | 'severe'
  | 'undecided'
  | 'grown'
  | 'interval'
  | 'nothing_new'
  | 'explained'
  | 'judged'
  | 'sure'
  | 'small'
  | 'closed'
  | 'capped'
  | 'looked'
  | 'no_model'
/** `reason` is a clause in words of ours: “Claude was (not) asked: …”. `dueAt`: decided again then, whatever happens; null: when it is read again. */
export type Triaged = { outcome: TriageOutcome; code: TriageCode; reason: string; dueAt: Date | null }
