/** What happened in one incident: what its report says, or, while nobody has investigated it, its alerts in order. */
import type { Asking } from '../asking.ts'
import { incidentHead, noIncident } from '../incident-said.ts'
import type { QuestionKind, Said } from '../question.ts'
import { at, moment, observed, type Sentence } from '../say.ts'
import { silence } from '../silence.ts'

type Timeline = { entries: { id: string; process?: string; times?: number }[]; ofAlerts: number; alerts: number }
const most = 8
const told =
  /what happened|what is (this|it)|summar|\bstory\b|timeline|explain (this|the|it)|describe|tell me (more )?about|\bwhat did\b|verdict|is (this|it) (real|bad|benign|a false positive|serious)|first one|when did|how long|which ip|connect(ed)? to|download|(which|what) (process|user|command|pod|container)\b.*\b(start|ran|run|did|was|open|spawn)/

export const whatHappenedQuestion: QuestionKind = {
  name: 'what-happened',
  examples: ['What happened in inc-1f9c04be2a?', 'Tell me the story of this incident', 'What is the timeline of inc-1f9c04be2a?'],
  asks: ({ incident, incidentNamed, has }) => {
    if (!has(told)) return incidentNamed ? 5 : 0
    // Without one, somebody has to be asked which is meant; a place is meant before that.
    return incident === null && !incidentNamed ? 3 : 7
  },
  answer: async ({ incident, has }, asking) => {
    if (incident === null) return noIncident
    const head = await incidentHead(asking, incident)
    if (!head.ok) return { sentences: [], unknowns: [head.text] }
    const report = await asking.records.report(incident)
    const inOrder = report === undefined || has(/timeline|in order|step by step|when did/)
    const { sentences: silent } = await silence(asking, { cluster: head.data.cluster, most: 1 })
    const said: Said = {
      sentences: [head.data.sentence, ...(inOrder ? await timeline(asking, incident) : []), ...silent],
      claims: report === undefined || inOrder ? [] : [...report.summary.slice(0, 4), ...report.reasons.slice(0, 2)],
      unknowns: report?.unknowns.slice(0, 4) ?? [],
      notes: report === undefined ? ['Nobody has investigated it yet: these are its alerts, nothing is concluded.'] : [],
      links: [
        { label: 'The incident', path: `/incidents/${head.data.id}` },
        { label: 'Its map', path: `/incidents/${head.data.id}/map` },
      ],
      followUps: ['What is the root cause?', 'What is the blast radius?', 'Has this happened before?'],
    }
    return said
  },
}

async function timeline({ ask }: Asking, incident: string): Promise<Sentence[]> {
  const found = await ask<Timeline>('get_timeline', { incident, limit: most })
  if (!found.ok) return []
  return found.data.entries.map(({ id, process, times = 1 }) => {
    const what = process === undefined ? [] : [': ', at('alert', id, 'process.cmdline')]
    return observed`${moment('alert', id, 'eventTime')} UTC, ${at('alert', id, 'rule')}${what}${times > 1 ? `, ${times} times` : ''}.`
  })
}
