/** How an incident stands, in one sentence; and the evidence that tools tell in words, as references again. */
import { EvidenceRef } from '../../domain/evidence.ts'
import type { Asking, Told } from './asking.ts'
import type { Said } from './question.ts'
import { at, moment, observed, type Sentence } from './say.ts'

type Got = { incident: { id: string; cluster: string } }

export async function incidentHead({ ask }: Asking, incident: string): Promise<Told<{ id: string; cluster: string; sentence: Sentence }>> {
  const found = await ask<Got>('get_incident', { incident })
  if (!found.ok) return found
  const { id, cluster } = found.data.incident
  return {
    ok: true,
    data: {
      id,
      cluster,
      sentence: observed`${at('incident', id, 'shortId')} is ${at('incident', id, 'severity')} and ${at('incident', id, 'state')}: ${at('incident', id, 'title')}; ${at('incident', id, 'alertCount')} alerts from ${moment('incident', id, 'firstTime')} to ${moment('incident', id, 'lastTime')} UTC.`,
    },
  }
}

export const noIncident: Said = {
  sentences: [],
  notes: ['Say which incident: by its id, as inc-1f9c04be2a, or ask on the incident’s own page.'],
  links: [{ label: 'Incidents', path: '/incidents' }],
  followUps: ['What happened in the latest incident?', 'What happened in the worst incident?', 'Which incidents are open?'],
}

/** “record id field”, as tools write evidence. */
export function citedIn(text: string): EvidenceRef[] {
  const [, record, id, path] = /^(\S+) (\S+)(?: (\S.*))?$/.exec(text) ?? []
  const reference = EvidenceRef.safeParse({ record, id, path: path ?? null, value: null })
  return reference.success ? [reference.data] : []
}
