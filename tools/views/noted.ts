/** Writes a note on an incident, once: the same words of the same person are not written again. A note moves neither state nor severity. */
import { decide } from '../../incidents/decide.ts'
import { decisionsOf } from '../../store/decisions.ts'
import type { ToolContext } from '../tool.ts'
import { incidentOf } from './find-incident.ts'

export async function noteOn(
  { db, clock, principal, channel, pages, changed }: ToolContext,
  incident: string,
  text: string,
): Promise<{ incident: string; created: boolean; page: string }> {
  const { id } = await incidentOf(db, incident)
  const same = (await decisionsOf(db, id)).some(
    ({ principalId, decision }) => principalId === principal.personId && decision.kind === 'note' && decision.text === text,
  )
  if (!same) {
    await decide(db, clock, principal, channel, { kind: 'note', incident: id, text }, `Written with a tool, by ${principal.name}`)
    changed?.('incidents')
  }
  return { incident: id, created: !same, page: `${pages}/incidents/${id}` }
}
