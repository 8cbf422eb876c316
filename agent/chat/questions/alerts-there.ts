/** What was seen in a place: a namespace, a pod, a cluster. That nothing was seen is told with who looked. */
import { bare } from '../asking.ts'
import type { QuestionKind } from '../question.ts'
import { at, moment, observed } from '../say.ts'
import { unknownPlace } from '../meant.ts'
import { silence } from '../silence.ts'
import { sinceWhen } from '../when.ts'

type Alerts = { alerts: { id: string; process?: string; where?: string }[]; next: string | null; freshness: string }
const most = 6

export const alertsThereQuestion: QuestionKind = {
  name: 'alerts-there',
  examples: ['What happened in namespace payments?', 'Were there alerts in cluster prod?', 'Did anything happen to pod shop/checkout-1?'],
  asks: ({ has, namespace, place, thing, cluster, incidentNamed }) =>
    !incidentNamed &&
    (namespace ?? place ?? thing ?? cluster) !== null &&
    has(/happen|alerts?\b|seen\b|activity|suspicious|unusual|odd\b|anything|attack(ed)?\b|compromised/)
      ? 6
      : has(/\balerts\b/)
        ? 4
        : 0,
  answer: async ({ namespace, place, thing, cluster, words }, asking) => {
    const since = sinceWhen(words, asking.now)
    const named = namespace ?? place
    const unknown = named === null ? null : await unknownPlace(named, asking)
    const pod = thing?.replace(/^pods?\//, '') ?? null
    const within = pod !== null && pod.split('/').length === 2 && namespace === null ? { pod } : { namespace: namespace ?? place }
    const found = await asking.ask<Alerts>('list_alerts', { ...within, cluster, from: since?.at.toISOString(), limit: most })
    const { sentences: silent, unknowns, nobody } = await silence(asking, { cluster, most: 2 })
    const counted = await asking.ask<{ alerts: number; countedBackTo: string | null }>('count_alerts', {
      ...within,
      cluster,
      from: since?.at.toISOString(),
      limit: 1,
    })
    if (!found.ok) return { sentences: silent, unknowns: [found.text, ...unknowns] }
    const { alerts, next, freshness } = found.data
    return {
      sentences: [
        ...alerts.map(({ id, process, where }) => {
          const parts = [
            ...(where === undefined ? [] : [' in ', at('alert', id, 'pod')]),
            ...(process === undefined ? [] : [': ', at('alert', id, 'process.cmdline')]),
          ]
          return observed`${moment('alert', id, 'eventTime')} UTC, ${at('alert', id, 'rule')}${parts}.`
        }),
        ...silent,
      ],
      unknowns: [
        ...(alerts.length === 0
          ? [
              nobody
                ? 'I don’t know: no source of alerts was ever set up.'
                : `No alert from there is known${since === null ? '' : ` since ${since.text}`}. Whether nothing happened depends on who looked:`,
            ]
          : []),
        bare(freshness),
        ...(unknown === null ? [] : [unknown]),
        ...unknowns,
      ],
      notes:
        counted.ok && alerts.length > 0
          ? [
              `${counted.data.countedBackTo === null ? '' : 'At least '}${counted.data.alerts.toLocaleString('en')} alerts${since === null ? '' : ` since ${since.text}`}${next === null ? '' : '; these are the newest'}.`,
            ]
          : [],
      links: [{ label: 'Alerts', path: within.pod === undefined ? '/alerts' : `/alerts?${new URLSearchParams({ pod: within.pod })}` }],
      followUps: ['Which incidents are open?', 'Is anything silent?'],
    }
  },
}
