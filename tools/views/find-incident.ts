/** One incident by what a model gives for it: its id or short form; and, where reading another one would do no harm, words of its title. */
import { z } from 'zod'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { parseId, shortId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import { incidentsTitled } from '../../store/completions.ts'
import type { Queryable } from '../../store/database.ts'
import { getIncident } from '../../store/incidents.ts'
import { quote } from '../quoted.ts'
import type { ToolContext } from '../tool.ts'
import { GivenText } from './given.ts'

export const IncidentId = GivenText(64).describe('Its id or short form (inc-…), as list_incidents gives it')
export const IncidentMeant = GivenText(200).describe('Its id or short form (inc-…), or words of its title that only one has')

const most = 8

/** Throws NotFoundError. */
export async function incidentOf(db: Queryable, given: string): Promise<Incident> {
  const id = parseId('incident', given.trim())
  const incident = id === undefined ? undefined : await getIncident(db, id)
  if (incident === undefined)
    throw new NotFoundError('There is no such incident. Give its id or its short form (inc- and ten digits); list_incidents has them.')
  return incident
}

/** Where several fit, the person is asked if the client can. Throws NotFoundError, or InputError which names those that fit. */
export async function incidentMeant({ db, ask }: Pick<ToolContext, 'db' | 'ask'>, given: string): Promise<Incident> {
  const text = given.trim()
  if (parseId('incident', text) !== undefined) return incidentOf(db, text)
  const fitting = await incidentsTitled(db, text, most)
  const [only, another] = fitting
  if (only === undefined)
    throw new NotFoundError(`No incident has ${quote(text, 60)} in its title. Name it by its id; list_incidents shows them.`)
  if (another === undefined) return incidentOf(db, only.id)
  const ids = fitting.map(({ id }) => shortId('incident', id))
  const shown = fitting.map(({ title, state }, at) => `${ids[at]} (${state}): ${quote(title, 100)}`).join('\n')
  const answer = ask?.({
    key: 'incident',
    message: `Several incidents have ${quote(text, 60)} in their title. Which one is meant?\n${shown}`,
    answer: z.object({ incident: z.enum(ids as [string, ...string[]]).describe('The incident that is meant') }),
  })
  if (answer !== undefined) return incidentOf(db, answer.incident)
  throw new InputError(`${quote(text, 60)} fits several incidents; name one by its id:\n${shown}`)
}
