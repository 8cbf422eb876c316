/** Writes a note on an incident, once: the same words of the same person are not written again. A note moves neither state nor severity. */
import { noteOnce } from '../../incidents/decide.ts'
import type { ToolContext } from '../tool.ts'
import { incidentOf } from './find-incident.ts'

export async function noteOn(
  { db, clock, principal, channel, pages, changed }: ToolContext,
  incident: string,
  text: string,
): Promise<{ incident: string; created: boolean; page: string }> {
  const { id } = await incidentOf(db, incident)
  const created = await noteOnce(db, clock, { principal, channel }, { incident: id, text }, `Written with a tool, by ${principal.name}`)
  if (created) changed?.('incidents')
  return { incident: id, created, page: `${pages}/incidents/${id}` }
}
