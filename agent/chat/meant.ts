/**
 * Which record a question means that names none by its id: “the latest incident”, words of a title, a thing called by its bare name. Looked up with the asking
 * person's tools; where several fit, or none does, the answer is that, and no other record is told of in its place.
 */
import type { Asked, IncidentSaid } from './asked.ts'
import { type Asking, bare } from './asking.ts'
import type { Said } from './question.ts'
import { at, observed } from './say.ts'

type Row = { id: string; severity: string; state: string }
const most = 6

/** The question with its incident, and a word on the choice; or what to answer where there is no such one. */
export async function meantBy(asked: Asked, asking: Asking): Promise<{ asked: Asked; note: string | null } | { instead: Said }> {
  const { said } = asked
  if (said === null) return { asked, note: null }
  if (said.by === 'title') return titled(asked, said.words, asking)
  if (said.by === 'latest') {
    const newest = await asking.records.newestIncident()
    return newest === undefined
      ? { instead: none('No incident is known at all.') }
      : { asked: { ...asked, incident: newest }, note: newestNote }
  }
  const found = await asking.ask<{ incidents: Row[] }>('list_incidents', { ...filterOf(said), limit: most })
  if (!found.ok) return { instead: { sentences: [], unknowns: [found.text] } }
  const { incidents } = found.data
  const fitting = said.by === 'severity' ? incidents.filter(({ severity }) => severity === said.severity) : incidents
  const living = fitting.filter(({ state }) => state !== 'closed')
  const [first, another] = living.length > 0 ? living : fitting
  if (first === undefined) return { instead: none(`No ${said.by === 'severity' ? `${said.severity} ` : ''}incident is known.`) }
  if (said.by === 'worst') return { asked: { ...asked, incident: first.id }, note: worstNote }
  return another === undefined
    ? { asked: { ...asked, incident: first.id }, note: null }
    : { instead: severalIncidents(living.length > 0 ? living : fitting) }
}

const filterOf = (said: IncidentSaid) => (said.by === 'severity' ? { minSeverity: said.severity } : {})
const newestNote = 'This is the incident with the newest alert.'
const worstNote = 'Of the most severe incidents that are not closed, this is the one with the newest alert.'

async function titled(asked: Asked, words: string, asking: Asking): ReturnType<typeof meantBy> {
  const found = await asking.ask<{ incident: { id: string } }>('get_incident', { incident: words })
  return found.ok
    ? { asked: { ...asked, incident: found.data.incident.id }, note: null }
    : { instead: { ...none(bare(found.text).replaceAll(/\s*\n\s*/g, ' · ')), followUps: ['Which incidents are open?'] } }
}

const none = (text: string): Said => ({
  sentences: [],
  unknowns: [text, 'What no sensor saw is not known.'],
  links: [{ label: 'Incidents', path: '/incidents' }],
  followUps: ['Is anything silent?'],
})

const severalIncidents = (rows: readonly Row[]): Said => ({
  sentences: rows.map(
    ({ id, severity, state }) => observed`${at('incident', id, 'shortId')}, ${severity}, ${state}: ${at('incident', id, 'title')}.`,
  ),
  notes: ['Several incidents fit. Say which one: by its id, or by words of its title.'],
  links: [{ label: 'All incidents', path: '/incidents' }],
  followUps: ['What happened in the first one?', 'What happened in the worst incident?'],
})

type Hit = { kind: string; id: string; title: string; detail: string | null; why: string }
/** What one would call by its name alone, first. */
const kinds = ['workload', 'pod', 'service', 'node', 'service_account', 'secret', 'image', 'cloud_identity', 'namespace']

/** A thing as tools take it. `problem`: its name fits nothing, or several things. Both null: no name is in the question. */
export async function thingMeant(asked: Asked, { ask }: Asking): Promise<{ thing: string | null; problem: string | null }> {
  if (asked.thing !== null || asked.names.length === 0) return { thing: asked.thing, problem: null }
  for (const name of asked.names) {
    const found = await ask<{ hits: Hit[] }>('search', { query: name, kinds: ['entity'], limit: 20 })
    if (!found.ok) return { thing: null, problem: found.text }
    const hits = found.data.hits.filter(({ why }) => !why.includes('gone'))
    const kindOf = ({ title }: Hit): string => bare(title).split(' ')[0] ?? ''
    const best = kinds.find((kind) => hits.some((hit) => kindOf(hit) === kind)) ?? (hits[0] && kindOf(hits[0]))
    const fitting = hits.filter((hit) => kindOf(hit) === best)
    const [only, another] = fitting
    if (only === undefined) continue
    if (another === undefined) return { thing: only.id, problem: null }
    const shown = fitting.slice(0, most).map(({ title, detail }) => `${bare(title)}${detail === null ? '' : ` in cluster ${bare(detail)}`}`)
    return { thing: null, problem: `“${name}” is the name of several things: ${shown.join('; ')}. Say which one, as kind/namespace/name.` }
  }
  return { thing: null, problem: `Nothing that is recorded is called “${asked.names[0] ?? ''}”, so nothing can be said of it.` }
}

/** Null: a namespace or cluster of that name is recorded. */
export async function unknownPlace(name: string, { records }: Asking): Promise<string | null> {
  return (await records.hasPlace(name))
    ? null
    : `No namespace or cluster called “${name}” is recorded: neither inventory nor a sensor has named it. That is not to say that all is well there.`
}
