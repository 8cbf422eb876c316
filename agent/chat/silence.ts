/** What nobody could see: sources that are silent, as sentences that cite the coverage ledger; sensors and scans with gaps, as what is not known. */
import { bare, type Asking } from './asking.ts'
import { absent, at, moment, type Sentence } from './say.ts'

type Gap = { kind: string; since: string | null; says: string }
export type Covering = {
  counts: { kind: string; total: number; withGaps: number }[]
  looked: { kind: string; name: string; cluster: string; by: string; last: string | null; gaps: Gap[] }[]
  more: string | null
}

export type Silence = { sentences: Sentence[]; unknowns: string[]; /** Nothing of alerts was ever heard. */ nobody: boolean }

/** `cluster`: of this one only. */
export async function silence(
  asking: Asking,
  { cluster = null, most = 4 }: { cluster?: string | null; most?: number } = {},
): Promise<Silence> {
  const told = await asking.ask<Covering>('get_coverage', { cluster, limit: 30 })
  return told.ok ? silenceIn(told.data, most) : { sentences: [], unknowns: [told.text], nobody: false }
}

export function silenceIn({ looked, counts }: Covering, most: number): Silence {
  const sources = looked.filter((one) => one.kind === 'source' && one.gaps.some(({ kind }) => kind === 'silent' || kind === 'never'))
  const others = looked.filter((one) => !['source', 'destination', 'knowledge'].includes(one.kind) && one.gaps.length > 0)
  const withGaps = counts.filter(({ kind }) => kind === 'sensor' || kind === 'scan').reduce((sum, one) => sum + one.withGaps, 0)
  const left = Math.max(0, withGaps - Math.min(others.length, most))
  return {
    sentences: sources.slice(0, most).map((one) => {
      const name = bare(one.name)
      return one.last === null
        ? absent`I don’t know what source ${at('coverage', name, 'name')} would have seen: it was never heard (last: ${at('coverage', name, 'lastSeenAt')}).`
        : absent`I don’t know what happened since ${moment('coverage', name, 'lastSeenAt')} where source ${at('coverage', name, 'name')} looks: it is silent since then.`
    }),
    unknowns: [
      ...others
        .slice(0, most)
        .map(
          (one) =>
            `${one.kind} ${bare(one.name)}: ${one.gaps.map(({ says, since }) => `${bare(says)}${since === null ? '' : ` (${since.slice(0, 16)}Z)`}`).join(' ')}`,
        ),
      ...(left > 0 ? [`${left} more sensors or scans have gaps.`] : []),
    ],
    nobody: (counts.find(({ kind }) => kind === 'source')?.total ?? 0) === 0,
  }
}
