/** What was seen in a place: a namespace, a pod, a cluster. That nothing was seen is told with who looked. */
import { bare } from '../asking.ts'
import type { QuestionKind } from '../question.ts'
import { at, moment, observed } from '../say.ts'
import { silence } from '../silence.ts'

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
  answer: async ({ namespace, place, thing, cluster }, asking) => {
    const pod = thing?.replace(/^pods?\//, '') ?? null
    const within = pod !== null && pod.split('/').length === 2 && namespace === null ? { pod } : { namespace: namespace ?? place }
    const found = await asking.ask<Alerts>('list_alerts', { ...within, cluster, limit: most })
    const { sentences: silent, unknowns, nobody } = await silence(asking, { cluster, most: 2 })
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
                : 'No alert from there is known. Whether nothing happened depends on who looked:',
            ]
          : []),
        bare(freshness),
        ...unknowns,
      ],
      notes: next === null ? [] : ['These are the newest; there are more.'],
      links: [{ label: 'Alerts', path: within.pod === undefined ? '/alerts' : `/alerts?${new URLSearchParams({ pod: within.pod })}` }],
      followUps: ['Which incidents are open?', 'Is anything silent?'],
    }
  },
}
