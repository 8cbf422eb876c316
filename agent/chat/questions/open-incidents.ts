/** Which incidents there are: open ones unless another state is asked for, the worst first. */
import type { Asking } from '../asking.ts'
import { unknownPlace } from '../meant.ts'
import type { QuestionKind, Said } from '../question.ts'
import { at, moment, observed, standsOn } from '../say.ts'
import { silence } from '../silence.ts'

type Incidents = { incidents: { id: string; severity: string; alerts: number }[]; next: string | null }
const most = 6
const severities = ['critical', 'high', 'medium', 'low'] as const

export const openIncidentsQuestion: QuestionKind = {
  name: 'open-incidents',
  examples: ['Which incidents are open?', 'Are there critical incidents?', 'What is going on in cluster prod?'],
  asks: ({ has, incidentNamed }) =>
    incidentNamed
      ? 0
      : has(/\bincidents\b/)
        ? has(/open|closed|contained|critical|high|new|list|show|which|what|any|are there|how many/)
          ? 8
          : 5
        : has(
              /(what is|what's|what s) (going on|new|happening|up)|anything (new|going on|happening)|are we under attack|\bstatus\b|on fire|anything (wrong|bad)|should i (worry|be worried)/,
            )
          ? 6
          : 0,
  answer: async ({ has, words, cluster, place, namespace }, asking) => {
    const state = has(/\bclosed\b/) ? 'closed' : has(/\bcontained\b/) ? 'contained' : 'open'
    const minSeverity = severities.find((one) => words.includes(` ${one} `)) ?? null
    const within = namespace ?? place
    if (cluster === null && within !== null && (await asking.records.hasPlace(within))) {
      const there = await inNamespace(within, asking)
      if (there !== null) return there
    }
    const where = cluster ?? within
    const unknown = where === null ? null : await unknownPlace(where, asking)
    const found = await asking.ask<Incidents>('list_incidents', { state, minSeverity, cluster: where, limit: most })
    const { sentences: silent, unknowns, nobody } = await silence(asking, { cluster: where, most: 2 })
    if (!found.ok) return { sentences: silent, unknowns: [found.text, ...unknowns] }
    const { incidents, next } = found.data
    const which = `${minSeverity === null ? '' : `${minSeverity === 'critical' ? '' : 'at least '}${minSeverity} `}${state}`
    const head =
      incidents.length === 0
        ? []
        : [
            observed`${next === null ? plural(incidents.length, `${which} incident`) : `More than ${incidents.length} ${which} incidents, the worst first`}${where === null ? '' : ' there'}.${incidents.map(({ id }) => standsOn('incident', id))}`,
          ]
    return {
      sentences: [
        ...head,
        ...incidents.map(
          ({ id, severity }) =>
            observed`${at('incident', id, 'shortId')}, ${severity}: ${at('incident', id, 'title')}; ${at('incident', id, 'alertCount')} alerts, the last at ${moment('incident', id, 'lastTime')} UTC.`,
        ),
        ...silent,
      ],
      unknowns: [
        ...(incidents.length > 0
          ? []
          : [
              nobody
                ? 'Nobody watches: no source of alerts was ever set up, so that there is no incident says nothing.'
                : `No ${which} incident is known${where === null ? '' : ' there'}. What no sensor saw is not known.`,
            ]),
        ...(unknown === null ? [] : [unknown]),
        ...unknowns,
      ],
      links: [
        { label: 'All incidents', path: state === 'closed' ? '/incidents?show=closed' : '/incidents' },
        ...incidents.slice(0, 3).map(({ id }, index) => ({ label: `Incident ${index + 1}`, path: `/incidents/${id}` })),
      ],
      followUps: incidents.length === 0 ? ['Is anything silent?'] : ['What happened in the first one?', 'What is waiting for approval?'],
    }
  },
}

/** Null: none there that is not closed; it may still be the name of a cluster. */
async function inNamespace(name: string, asking: Asking): Promise<Said | null> {
  const ids = await asking.records.incidentsIn(name)
  if (ids.length === 0) return null
  const { sentences: silent, unknowns } = await silence(asking, { most: 2 })
  return {
    sentences: [
      ...ids
        .slice(0, most)
        .map(
          (id) =>
            observed`${at('incident', id, 'shortId')}, ${at('incident', id, 'severity')}, ${at('incident', id, 'state')}: ${at('incident', id, 'title')}; the last alert at ${moment('incident', id, 'lastTime')} UTC.`,
        ),
      ...silent,
    ],
    unknowns: ['These are the incidents with a place in that namespace that are not closed.', ...unknowns],
    links: [
      { label: 'All incidents', path: '/incidents' },
      ...ids.slice(0, 3).map((id, n) => ({ label: `Incident ${n + 1}`, path: `/incidents/${id}` })),
    ],
    followUps: ['What happened in the first one?', 'What is waiting for approval?'],
  }
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
