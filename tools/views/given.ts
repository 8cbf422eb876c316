/** What a model gives back of what it was told, read leniently where that is safe: quoted text without its fence, days and moments. */
import { z } from 'zod'
import { parseEventTime } from '../../domain/event-time.ts'
import { fence } from '../quoted.ts'

/** Text as answers quote it; the fence itself is not part of it. */
export const GivenText = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .overwrite((text) => (text.startsWith(fence.open) && text.endsWith(fence.close) ? text.slice(1, -1) : text))

export const Moment = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ns = parseEventTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
    if (ns !== undefined && BigInt.asIntN(64, ns) === ns) return ns
    context.addIssue({ code: 'custom', message: 'must be a day or a moment, as 2026-11-25 or 2026-11-25T08:30:00Z' })
    return z.NEVER
  })

export const Detail = z.enum(['compact', 'full']).default('compact')
