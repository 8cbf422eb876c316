/** How the API shows what is normal in a place, and whether a package is in use. */
import { z } from 'zod'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { type InUse, inUseText } from '../../../../domain/in-use.ts'
import type { NormalHere, Usual } from '../../../../incidents/baseline.ts'
import { time } from './fields.ts'

export const UsualView = z.object({
  level: z.enum(['unknown', 'new', 'rare', 'recurring', 'usual']).describe('"unknown": no earlier day was watched, which is not "new"'),
  count: z.number().int().describe('How often, in the 31 days before'),
  days: z.number().int().describe('On how many days'),
  ofDays: z.number().int().describe('Of how many that were watched since the place first had an alert'),
  firstSeen: z.string().nullable().describe('Day, UTC'),
  text: z.string().describe('In words: "seen 4,112 times on 31 of 31 days here"'),
})
export const usualView = (one: Usual | undefined): z.infer<typeof UsualView> | null => one ?? null

export const NormalView = z.object({
  rule: z.string(),
  place: z.string().describe('Workload, else pod or host; "": none was named'),
  process: z.string().describe('Its file, else its name; "": none was named; "*": one of many'),
  crowded: z.boolean().describe('So many processes had this rule here that which one it was says nothing'),
  usual: UsualView,
  said: z
    .array(z.object({ incident: z.string(), decision: z.string(), verdict: z.string(), by: z.string(), at: z.string() }))
    .describe('What signed-in people called incidents of it, the newest first; a verdict that was changed is not among them'),
})
export const normalView = ({ rule, place, process, crowded, usual, said }: NormalHere): z.infer<typeof NormalView> => ({
  rule,
  place,
  process,
  crowded,
  usual,
  said,
})

export const InUseView = z.object({
  inUse: z.literal(true).nullable().describe('Null: not observed, which is not "unused"'),
  text: z.string(),
  path: z.string().nullable().describe('What was run or opened of it, as a sensor wrote it'),
  kind: z.enum(['exec', 'open']).nullable(),
  alertId: z.string().nullable().describe('The alert that shows it; it may be gone when retention has passed'),
  at: time.nullable(),
  notObservedSince: time.nullable().describe('Null: it was, or no sensor ever reported from where the image runs'),
})
export function inUseView(one: InUse | undefined): z.infer<typeof InUseView> | null {
  if (one === undefined) return null
  const text = inUseText(one)
  if (one.inUse === null) {
    const since = one.notObservedSinceNs
    return {
      inUse: null,
      text,
      path: null,
      kind: null,
      alertId: null,
      at: null,
      notObservedSince: since === null ? null : formatEventTime(since),
    }
  }
  const { path, kind, alertId, atNs } = one
  return { inUse: true, text, path, kind, alertId, at: formatEventTime(atNs), notObservedSince: null }
}
