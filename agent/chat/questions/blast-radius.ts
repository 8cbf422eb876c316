/** What someone who has a thing, or the places of an incident, could take next. */
import { bare, type Asking } from '../asking.ts'
import { thingMeant } from '../meant.ts'
import type { QuestionKind, Said } from '../question.ts'
import { at, inferred, standsOn } from '../say.ts'

type Node = { id: string; kind: string; depth?: number }
type Blast = {
  from: Node
  counts: { kind: string; count: number; nearest: number }[]
  nodes: Node[]
  more: string | null
  freshness: string
}
type Places = { places: { entity: string; kind: string }[]; incident: { id: string } }
const most = 8

export const blastRadiusQuestion: QuestionKind = {
  name: 'blast-radius',
  examples: [
    'What is the blast radius of deployment/shop/checkout?',
    'How bad is it if pod shop/checkout is taken?',
    'What could they reach from there?',
  ],
  asks: ({ has }) =>
    has(
      /blast radius|within reach|(could|can) (they|it|he|an attacker|someone|somebody|an intruder|attackers) (take|reach|get|do)|reachable from|how bad|impact|lateral/,
    )
      ? 8
      : 0,
  answer: async (asked, asking) => {
    const { cluster, incident, incidentNamed } = asked
    const { thing, problem } = incidentNamed ? { thing: null, problem: null } : await thingMeant(asked, asking)
    if (problem !== null) return { sentences: [], unknowns: [problem] }
    if (thing !== null) return blastOf(asking, thing, cluster)
    if (incident === null)
      return { sentences: [], notes: ['Say of what: a thing, as deployment/shop/checkout, or an incident, as inc-1f9c04be2a.'] }
    const found = await asking.ask<Places>('get_incident', { incident })
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const report = await asking.records.report(incident)
    const links = [{ label: 'The incident’s map', path: `/incidents/${found.data.incident.id}/map` }]
    const [place] = found.data.places
    const said: Said =
      place === undefined
        ? { sentences: [], unknowns: ['I don’t know: none of its places is in the inventory.'] }
        : await blastOf(asking, place.entity, null)
    return { ...said, claims: report?.blastRadius.slice(0, 3) ?? [], links: [...links, ...(said.links ?? [])] }
  },
}

async function blastOf({ ask }: Asking, entity: string, cluster: string | null): Promise<Said> {
  const found = await ask<Blast>('get_blast_radius', { entity, cluster, limit: most })
  if (!found.ok) return { sentences: [], unknowns: [found.text] }
  const { from, counts, nodes, freshness } = found.data
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const start = at('entity', from.id, 'name')
  return {
    sentences:
      total === 0
        ? []
        : [
            inferred`From ${start}, ${total} things are within reach: ${counts.map(({ kind, count }) => `${count} ${kind.replaceAll('_', ' ')}`).join(', ')}.${nodes.slice(0, 1).map(({ id }) => standsOn('entity', id))}`,
            inferred`The nearest: ${nodes.slice(0, most).flatMap(({ id, kind }, index) => [`${index === 0 ? '' : ', '}${said(kind)}`, at('entity', id, 'name')])}.`,
          ],
    unknowns: [
      ...(total === 0
        ? ['No attack step is known to lead on from there. That holds for recorded configuration, and for nothing else.']
        : ['This is what recorded configuration makes possible, not what happened.']),
      bare(freshness),
    ],
    links: [
      { label: 'On the map', path: `/graph?entity=${from.id}` },
      { label: 'Its record', path: `/cluster/${from.id}` },
    ],
    followUps: ['Which attack paths lead to it?', 'What should I fix first?'],
  }
}

/** Of a place where things meet its name says it all. */
const said = (kind: string): string => (kind === 'endpoint' ? '' : `${kind.replaceAll('_', ' ')} `)
