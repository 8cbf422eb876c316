/** What came since some moment: incidents that began or went on, how many alerts, what people decided; and what nobody could see meanwhile. */
import type { QuestionKind } from '../question.ts'
import { at, moment, observed, standsOn } from '../say.ts'
import { silence } from '../silence.ts'
import { sinceWhen } from '../when.ts'

const most = 8
const day = 86_400_000

export const changedSinceQuestion: QuestionKind = {
  name: 'changed-since',
  examples: ['What changed since yesterday?', 'What happened today?', 'Is there anything new in the last 2 hours?'],
  asks: ({ has, incidentNamed, words }) => {
    const timed = sinceWhen(words, new Date(0)) !== null
    if (incidentNamed || has(/\balerts?\b|\bapproved\b|\bscan\b/)) return 0
    if (has(/\b(changed?|changes|new|news|happen\w*|going on|missed?|since|update)\b/) && timed) return 9
    return has(/what (is|was)? ?(changed|new)\b|what has changed|what did i miss|anything new\b/) ? 7 : 0
  },
  answer: async ({ words, namespace, place, cluster }, asking) => {
    const { records, now } = asking
    const given = sinceWhen(words, now)
    const since = given ?? { at: new Date(now.getTime() - day), text: 'a day ago' }
    const [incidents, decided, counted, { sentences: silent, unknowns, nobody }] = [
      await records.incidentsSince(since.at),
      await records.decided({ incident: null, since: since.at }),
      await asking.ask<{ alerts: number; countedBackTo: string | null }>('count_alerts', { from: since.at.toISOString(), limit: 1 }),
      await silence(asking, { most: 3 }),
    ]
    return {
      sentences: [
        ...incidents
          .slice(0, most)
          .map(
            ({ id, began }) =>
              observed`${at('incident', id, 'shortId')} ${began ? 'began' : 'went on'}, ${at('incident', id, 'severity')}, ${at('incident', id, 'state')}: ${at('incident', id, 'title')}; its last alert was at ${moment('incident', id, 'lastTime')} UTC.`,
          ),
        ...decided
          .slice(0, 4)
          .map(
            ({ id, times }) =>
              observed`${at('proposal', id, 'shortId')}, ${at('proposal', id, 'action')} on ${at('proposal', id, 'target')}: ${at('proposal', id, `decided.${times - 1}`)}.${[standsOn('proposal', id)]}`,
          ),
        ...silent,
      ],
      unknowns: [
        ...(incidents.length === 0
          ? [
              nobody
                ? 'Nobody watches: no source of alerts was ever set up.'
                : `No incident is known to have begun or gone on since ${since.text}. What no sensor saw is not known.`,
            ]
          : []),
        'Which settings, images and findings changed is not told here: what is known of them now stands under what to fix first.',
        ...((namespace ?? place ?? cluster) === null ? [] : ['This is told of everything, not of one place.']),
        ...unknowns,
      ],
      notes: [
        `Since ${since.text}${given === null ? ', for no time was named' : ''}: ${incidents.length >= 20 ? '20 or more' : incidents.length} incidents with alerts${counted.ok ? `, ${counted.data.alerts.toLocaleString('en')} alerts${counted.data.countedBackTo === null ? '' : ' or more'}` : ''}.`,
      ],
      links: [
        { label: 'Incidents', path: '/incidents' },
        { label: 'Alerts', path: '/alerts' },
      ],
      followUps: ['What happened in the latest incident?', 'Is anything silent?', 'What should I fix first?'],
    }
  },
}
