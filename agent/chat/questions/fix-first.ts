/** What should be changed first: everywhere, in a namespace, a cluster, or where an incident is. */
import { bare } from '../asking.ts'
import type { Asked } from '../asked.ts'
import { unknownPlace } from '../meant.ts'
import type { QuestionKind } from '../question.ts'
import { at, observed } from '../say.ts'

type Fixes = {
  fixes: { id: string; findings: number; workloads: number; live: number; steps: number }[]
  more: string | null
  freshness: string
}
const most = 5

export const fixFirstQuestion: QuestionKind = {
  name: 'fix-first',
  examples: ['What should I fix first?', 'What should I fix first in namespace payments?', 'What should we patch first in cluster prod?'],
  asks: ({ has }) =>
    has(/\b(fix|patch|remediate|upgrade|update|harden)/, /\bfirst\b|priorit|urgent|most important/)
      ? 9
      : has(/priorit|what (should|can|must) (i|we) (fix|patch|do|change)|\bfix\b|to fix\b/)
        ? 6
        : 0,
  answer: async (asked, asking) => {
    const { ask } = asking
    const named = asked.namespace ?? asked.team ?? asked.cluster ?? asked.place
    const tried = placesOf(asked)
    let [place] = tried
    let found = await ask<Fixes>('what_to_fix_first', { ...place.filter, limit: most })
    for (const other of tried.slice(1)) {
      if (!found.ok || found.data.fixes.length > 0) break
      const there = await ask<Fixes>('what_to_fix_first', { ...other.filter, limit: most })
      if (there.ok && there.data.fixes.length > 0) [place, found] = [other, there]
    }
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const { fixes, more, freshness } = found.data
    const unknown = named === null || fixes.length > 0 ? null : await unknownPlace(named, asking)
    return {
      sentences: fixes.map(
        ({ id, findings, workloads, live, steps }, index) =>
          observed`${index + 1}. ${at('fix', id, 'title')} (${at('fix', id, 'level')}): ${takesAway(findings, steps)}${workloads > 0 ? ` on ${plural(workloads, 'workload')}` : ''}${live > 0 ? `, ${live} of them where an incident is live` : ''}. Why: ${at('fix', id, 'why')}.`,
      ),
      unknowns: [
        ...(fixes.length === 0
          ? [`No change is known to be needed${place.text}. That holds for what was looked at, and for nothing else.`]
          : []),
        ...(unknown === null ? [] : [unknown]),
        bare(freshness),
      ],
      ...(asked.team === null ? {} : { notes: ['Falconer does not know which team owns what: this is the namespace of that name.'] }),
      links: [
        { label: more === null ? 'All of it, with reasons' : 'More of them, with reasons', path: place.link },
        ...fixes.slice(0, 3).map(({ id }, index) => ({ label: `Change ${index + 1}`, path: `/fix-first/${id}` })),
      ],
      followUps: ['Which attack paths lead from the internet to a secret?', 'Which findings are of packages in use?'],
    }
  },
}

const takesAway = (findings: number, steps: number): string =>
  [findings > 0 ? plural(findings, 'finding') : '', steps > 0 ? plural(steps, 'attack step') : '']
    .filter((one) => one !== '')
    .join(' and ') || 'what it changes'
const plural = (count: number, one: string): string => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`

type Place = { filter: Record<string, string>; text: string; link: string }
/** Most narrow first: “in payments” may be a namespace or a cluster. */
function placesOf({ namespace, cluster, place, team, incident, incidentNamed }: Asked): [Place, ...Place[]] {
  const within: Record<string, string> = cluster === null ? {} : { cluster }
  const linked = (filter: Record<string, string>): string => {
    const { cluster: scope, ...rest } = filter
    return `/fix-first?${new URLSearchParams({ ...rest, ...(scope === undefined ? {} : { scope }) })}`
  }
  const of = (filter: Record<string, string>, text: string): Place => ({ filter, text, link: linked(filter) })
  const named = namespace ?? team
  if (named !== null) return [of({ ...within, namespace: named }, ` in namespace ${named}`)]
  if (cluster !== null) return [of(within, ` in cluster ${cluster}`)]
  if (place !== null) return [of({ namespace: place }, ` in ${place}`), of({ cluster: place }, ` in ${place}`)]
  if (incident !== null && incidentNamed) return [of({ incident }, ' where this incident is')]
  if (incident !== null) return [of({ incident }, ' where this incident is'), { filter: {}, text: '', link: '/fix-first' }]
  return [{ filter: {}, text: '', link: '/fix-first' }]
}
