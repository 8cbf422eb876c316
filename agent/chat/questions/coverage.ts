/** What is looked at and what is silent. */
import { bare } from '../asking.ts'
import type { QuestionKind } from '../question.ts'
import { at, moment, observed } from '../say.ts'
import { type Covering, silenceIn } from '../silence.ts'

const most = 6

export const coverageQuestion: QuestionKind = {
  name: 'coverage',
  examples: ['Is anything silent?', 'What can Falconer not see?', 'Is cluster prod covered?'],
  asks: ({ has }) =>
    has(
      /silent|coverage|covered|blind|not see|cannot see|can'?t (you |we |i |it |falconer )?see|falco (running|alive|up|on|installed|deployed)|(last|newest|latest|recent) scans?\b|when .*\bscan(ned)?\b|sources?\b.*(ok|alive|heard|healthy|working)|sensors?\b|monitored|watched|gaps?\b|fresh|stale/,
    )
      ? 8
      : 0,
  answer: async ({ cluster, place }, { ask }) => {
    const where = cluster ?? place
    const found = await ask<Covering & { inventory: { cluster: string; objects: number; last: string }[] }>('get_coverage', {
      cluster: where,
      limit: 40,
    })
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const { looked, counts, inventory, more } = found.data
    const { sentences, unknowns, nobody } = silenceIn(found.data, most)
    const heard = looked.filter((one) => one.kind === 'source' && one.last !== null && !one.gaps.some(({ kind }) => kind === 'silent'))
    return {
      sentences: [
        ...sentences,
        ...heard.slice(0, most).map((one) => {
          const name = bare(one.name)
          return observed`Source ${at('coverage', name, 'name')} was last heard at ${moment('coverage', name, 'lastSeenAt')} UTC${one.gaps.length > 0 ? ', with gaps' : ''}.`
        }),
      ],
      unknowns: [
        ...(nobody ? ['No source was ever set up: nothing is known.'] : []),
        ...unknowns,
        ...(inventory.length === 0 ? ['There is no inventory of any cluster: what runs where is not known.'] : []),
        ...(more === null ? [] : [bare(more)]),
      ],
      notes: [
        ...scanned(looked),
        'What never reported is not counted: a node without a sensor is not in this list.',
        ...counts
          .filter(({ total }) => total > 0)
          .map(
            ({ kind, total, withGaps }) =>
              `${total} ${kind === 'knowledge' ? 'of knowledge' : `${kind}${total === 1 ? '' : 's'}`}, ${withGaps === 0 ? 'none with a gap' : `${withGaps} with a gap`}.`,
          ),
      ],
      links: [
        { label: 'The coverage ledger', path: '/coverage' },
        { label: 'Sources', path: '/sources' },
      ],
      followUps: ['Which incidents are open?'],
    }
  },
}

/** When the newest scan was, of those that are told. */
function scanned(looked: Covering['looked']): string[] {
  const times = looked.flatMap(({ kind, last }) => (kind === 'scan' && last !== null ? [last] : [])).toSorted()
  const [newest, oldest] = [times.at(-1), times[0]]
  if (newest === undefined || oldest === undefined) return []
  return [`Of the scans that are told, the newest was at ${newest.slice(0, 16)}Z, the oldest at ${oldest.slice(0, 16)}Z.`]
}
