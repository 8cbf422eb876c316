/** What a model gives back of what it was told, read leniently where that is safe: quoted text without its fence, days and moments, ids in short form. */
import { z } from 'zod'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import { parseId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import { parseCursor } from '../../store/alerts.ts'
import type { Queryable } from '../../store/database.ts'
import { findIncident } from '../../store/find.ts'
import { namedIncident } from '../name-incident.ts'
import { fence } from '../quoted.ts'
import type { ToolContext } from '../tool.ts'

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

export const IncidentId = GivenText(64).describe('Its id or short form (inc-…), as list_incidents gives it')
export const IncidentMeant = GivenText(200).describe('Its id or short form (inc-…), or words of its title that only one has')
export const Detail = z.enum(['compact', 'full']).default('compact')

export async function incidentOf(db: Queryable, given: string): Promise<Incident> {
  try {
    return await findIncident(db, given.trim())
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    throw new NotFoundError('There is no such incident. Give its id or its short form (inc- and ten digits); list_incidents has them.')
  }
}

/** Where reading another one would do no harm: also by words of its title; where several fit, the person is asked if the client can. */
export const incidentMeant = async (context: Pick<ToolContext, 'db' | 'ask'>, given: string): Promise<Incident> =>
  parseId('incident', given.trim()) === undefined ? namedIncident(context, given) : incidentOf(context.db, given)

/** The place that `next` of an answer before names. Throws InputError. */
export function placeAfter(cursor: string | undefined): { eventNs: bigint; id: string } | undefined {
  if (cursor === undefined) return undefined
  const place = parseCursor(cursor)
  if (place === undefined) throw new InputError('This cursor is not the `next` of an answer before. Leave it out to begin at the start.')
  return place
}
