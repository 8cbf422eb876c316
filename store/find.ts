/** Finds a record by what a person typed or a URL holds: its id or its short form. Throws NotFoundError. */
import { NotFoundError } from '../domain/errors.ts'
import { parseId } from '../domain/ids.ts'
import type { Incident } from '../domain/incident.ts'
import type { Proposal } from '../domain/proposal.ts'
import type { Queryable } from './database.ts'
import { getIncident } from './incidents.ts'
import { getProposal } from './proposals.ts'

export async function findIncident(db: Queryable, text: string): Promise<Incident> {
  const id = parseId('incident', text)
  const incident = id === undefined ? undefined : await getIncident(db, id)
  if (incident === undefined) throw new NotFoundError(`There is no incident ${text}.`)
  return incident
}
export async function findProposal(db: Queryable, text: string): Promise<Proposal> {
  const id = parseId('proposal', text)
  const proposal = id === undefined ? undefined : await getProposal(db, id)
  if (proposal === undefined) throw new NotFoundError(`There is no proposal ${text}.`)
  return proposal
}
