/** The incident that somebody named: by its id, its short form, or words of its title that only one has. Where several fit, the person is asked. */
import { z } from 'zod'
import { InputError, NotFoundError } from '../domain/errors.ts'
import { parseId, shortId } from '../domain/ids.ts'
import type { Incident } from '../domain/incident.ts'
import { incidentsTitled } from '../store/completions.ts'
import { findIncident } from '../store/find.ts'
import { quote } from './quoted.ts'
import type { ToolContext } from './tool.ts'

export const incidentName = z
  .string()
  .min(1)
  .max(200)
  .describe('inc-… or UUID, as list_incidents tells it; or words of its title that only one incident has')

const most = 8

/** Throws NotFoundError, or InputError which names those that fit. */
export async function namedIncident({ db, ask }: Pick<ToolContext, 'db' | 'ask'>, text: string): Promise<Incident> {
  if (parseId('incident', text) !== undefined) return findIncident(db, text)
  const fitting = await incidentsTitled(db, text, most)
  const [only, another] = fitting
  if (only === undefined)
    throw new NotFoundError(`No incident has ${quote(text, 60)} in its title. Name it by its id; list_incidents shows them.`)
  if (another === undefined) return findIncident(db, only.id)
  const ids = fitting.map(({ id }) => shortId('incident', id))
  const shown = fitting.map(({ title, state }, at) => `${ids[at]} (${state}): ${quote(title, 100)}`).join('\n')
  const answer = ask?.({
    key: 'incident',
    message: `Several incidents have ${quote(text, 60)} in their title. Which one is meant?\n${shown}`,
    answer: z.object({ incident: z.enum(ids as [string, ...string[]]).describe('The incident that is meant') }),
  })
  if (answer !== undefined) return findIncident(db, answer.incident)
  throw new InputError(`${quote(text, 60)} fits several incidents; name one by its id:\n${shown}`)
}
