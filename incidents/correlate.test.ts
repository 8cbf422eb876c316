import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SharedFact } from '../domain/incident.ts'
import { minute, noon } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import { cluster, uncrowded } from './cluster.ts'
import { mostReached, place, type Placed, type Segment } from './correlate.ts'
import { correlationRules } from './rules/registry.generated.ts'
import { segmentsOf } from './segment-board.ts'

const told = (label: string): { label: string; inferred: boolean } => ({ label, inferred: false })
const isPod = (pod: string): SharedFact => ({ rule: 'same-pod', key: `uid/${pod}`, ...told(`pod ${pod}`) })
const isWorkload = (key: string): SharedFact => ({ rule: 'same-workload', key, ...told(`workload ${key}`) })
const connects = (from: string, to: string): SharedFact[] => [
  { rule: 'connected-to', key: `uid/${to}`, ...told(`${from} to ${to}`), scope: 'c', reaches: { rule: 'same-pod', by: from } },
  { rule: 'connected-to', key: from, ...told(`pods that ${from} connected to`), counts: to },
]
const uses = (account: string, to: string): SharedFact => ({
  rule: 'service-account-used',
  key: to,
  ...told(`account ${account}`),
  scope: 'c',
  reaches: { rule: 'same-workload', by: account },
})
const escapes = (pod: string, node: string): SharedFact => ({
  rule: 'escape-seen',
  key: node,
  ...told(`${pod} from ${node}`),
  reaches: { rule: 'escape-seen', by: pod },
})
const isTaken = (node: string): SharedFact => ({ rule: 'escape-seen', key: node, ...told(`node ${node}`) })

const partition = (groups: Iterable<readonly string[]>): string =>
  [...groups]
    .map((group) => [...group].sort().join(' '))
    .sort()
    .join('\n')

/** Placing one by one, as the pipeline does it: what is overcrowded is partitioned again. */
function oneByOne(alerts: readonly Placed[]): string {
  let segments: Segment[] = []
  const incidentOf = new Map<string, string>()
  const byId = new Map(alerts.map((alert) => [alert.id, alert]))
  let made = 0
  const newId = (): string => `i${String((made += 1)).padStart(4, '0')}`
  for (const alert of alerts) {
    const { incidentId, mergedIncidentIds: merged, replaced, written, overcrowded } = place(alert, segments, newId)
    const rename = (incident: string): string => (merged.includes(incident) ? incidentId : incident)
    segments = [...segments.filter((segment) => !replaced.includes(segment)), ...written].map((segment) => ({
      ...segment,
      incidentId: rename(segment.incidentId),
    }))
    for (const [id, incident] of incidentOf) incidentOf.set(id, rename(incident))
    incidentOf.set(alert.id, incidentId)
    if (!overcrowded) continue
    const members = [...incidentOf].filter(([, incident]) => incident === incidentId).map(([id]) => byId.get(id) as Placed)
    segments = segments.filter((segment) => segment.incidentId !== incidentId)
    for (const group of cluster(members)) {
      const own = newId()
      segments.push(...segmentsOf(uncrowded(group.map((id) => byId.get(id) as Placed)), own).segments)
      for (const id of group) incidentOf.set(id, own)
    }
  }
  return partition([...Map.groupBy([...incidentOf], ([, incident]) => incident).values()].map((group) => group.map(([id]) => id)))
}

const pods = fc.constantFrom('a', 'b', 'c', 'd')
const facts: fc.Arbitrary<SharedFact[]> = fc.oneof(
  { weight: 4, arbitrary: pods.map((pod) => [isPod(pod)]) },
  { weight: 4, arbitrary: fc.tuple(pods, pods).map(([from, to]) => [isPod(from), ...(from === to ? [] : connects(from, to))]) },
  { weight: 2, arbitrary: pods.map((pod) => [isWorkload(`w-${pod}`), isPod(pod)]) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('x', 'y'), pods).map(([account, pod]) => [uses(account, `w-${pod}`)]) },
  { weight: 2, arbitrary: fc.tuple(pods, fc.constantFrom('n', 'm')).map(([pod, node]) => [isPod(pod), escapes(pod, node)]) },
  { weight: 1, arbitrary: fc.constantFrom('n', 'm').map((node) => [isTaken(node)]) },
)
const draft = fc.record({ at: fc.integer({ min: 0, max: 300 }), facts, scope: fc.constant('c') })
/** One pod that touches so many others that some stretches are too many and some are not. */
const sweep = fc.record({
  from: pods,
  at: fc.integer({ min: 0, max: 200 }),
  step: fc.integer({ min: 1, max: 4 }),
  count: fc.integer({ min: mostReached - 4, max: mostReached + 4 }),
})
const stream = fc.tuple(fc.array(draft, { minLength: 1, maxLength: 25 }), fc.array(sweep, { maxLength: 2 })).chain(([drafts, sweeps]) => {
  const swept = sweeps.flatMap(({ from, at, step, count }) =>
    Array.from({ length: count }, (_, n) => {
      const to = ['a', 'b', 'c', 'd'][n] ?? `p${n}`
      return { at: at + n * step, scope: 'c', facts: [isPod(from), ...(to === from ? [] : connects(from, to))] }
    }),
  )
  const all = [...drafts, ...swept]
  return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
})
const placed = (given: { at: number; scope: string; facts: SharedFact[] }[]): Placed[] =>
  given.map(({ at, ...rest }, index) => ({ id: `a${String(index).padStart(3, '0')}`, eventNs: noon + BigInt(at) * minute, ...rest }))

describe('placing one by one, moves and all', () => {
  it('gives the same incidents as clustering all at once, in any order', () => {
    fc.assert(
      fc.property(stream, (given) => {
        const alerts = placed(given)
        expect(oneByOne(alerts)).toBe(partition(cluster(alerts)))
      }),
      property(4_000, 300) as fc.Parameters<[unknown]>,
    )
  })

  it('joins exactly what two alerts at a time say: the pairs within windows, and what follows from them', () => {
    fc.assert(
      fc.property(stream, (given) => {
        const alerts = placed(given)
        const left = uncrowded(alerts)
        const groups = new Map(left.map(({ id }) => [id, new Set([id])]))
        for (const one of left)
          for (const other of left)
            if (one.id < other.id && cluster([one, other]).length === 1) {
              const both = new Set([...(groups.get(one.id) ?? []), ...(groups.get(other.id) ?? [])])
              for (const id of both) groups.set(id, both)
            }
        expect(partition([...new Set(groups.values())].map((group) => [...group]))).toBe(partition(cluster(alerts)))
      }),
      property(2_000, 150) as fc.Parameters<[unknown]>,
    )
  })
})

describe('moves', () => {
  const at = (minutes: number, id: string, ...given: SharedFact[]): Placed => ({
    id,
    scope: 'c',
    eventNs: noon + BigInt(minutes) * minute,
    facts: given,
  })

  it('every reach is no less than the windows it bridges, else the order of arrival would matter', () => {
    const window = new Map(correlationRules.map((rule) => [rule.name, rule.window]))
    for (const { name, window: own, reach } of correlationRules) {
      if (reach === undefined) continue
      const reached = /same-pod|same-workload/
      const widest = [own, ...[...window].filter(([rule]) => reached.test(rule)).map(([, one]) => one)].reduce((a, b) => (a > b ? a : b))
      expect(reach.before + reach.after, name).toBeGreaterThanOrEqual(widest)
    }
  })

  it('two pods that connect to a third do not join each other, until the third has an alert in their time', () => {
    const both = [at(0, '1', isPod('a'), ...connects('a', 'db')), at(5, '2', isPod('b'), ...connects('b', 'db'))]
    expect(cluster(both)).toHaveLength(2)
    expect(cluster([...both, at(34, '3', isPod('db'))])).toEqual([['1'], ['2', '3']])
    expect(cluster([...both, at(20, '3', isPod('db'))])).toHaveLength(1)
    expect(cluster([...both, at(36, '3', isPod('db'))])).toHaveLength(3)
  })

  it('an escape on the host is met after the pod’s, not before', () => {
    const pod = at(10, '1', isPod('a'), escapes('a', 'n'))
    expect(cluster([pod, at(60, '2', isTaken('n'))])).toHaveLength(1)
    expect(cluster([pod, at(5, '2', isTaken('n'))])).toHaveLength(2)
    expect(cluster([pod, at(60, '2', isTaken('other'))])).toHaveLength(2)
  })

  it('a pod that connects to more than twenty within its stretch joins none of them by that, and says so', () => {
    const target = (n: number): Placed => at(n, `t${n}`, isPod(`p${n}`))
    const sweepTo = (count: number): Placed[] =>
      Array.from({ length: count }, (_, n) => at(n, `s${String(n).padStart(2, '0')}`, isPod('evil'), ...connects('evil', `p${n}`)))
    expect(cluster([...sweepTo(mostReached), target(3), target(4)])).toHaveLength(1)
    const crowd = [...sweepTo(mostReached + 1), target(3), target(4)]
    expect(cluster(crowd)).toHaveLength(3)
    const { reasons, segments } = segmentsOf(uncrowded(crowd), 'i')
    expect(segments.filter((segment) => segment.by !== '')).toEqual([])
    expect(reasons.get('s20')?.map(({ label }) => label)).toContainEqual(
      'pods that evil connected to: more than 20 within 30 minutes of each other, so none of them is joined by that',
    )
  })

  it('the reason is told once, whichever came first, with the relation and the other alert', () => {
    const relation = {
      from: { scope: 'c', kind: 'pod' as const, key: 'a', id: '1' },
      type: 'CONNECTED_TO' as const,
      to: { scope: 'c', kind: 'pod' as const, key: 'db', id: '2' },
    }
    const [move] = connects('a', 'db')
    const reaching = at(0, '1', isPod('a'), { ...(move as SharedFact), relation })
    const reached = [at(1, '2', isPod('db')), at(2, '3', isPod('db'))]
    for (const order of [
      [reaching, ...reached],
      [...reached, reaching],
    ]) {
      const told = [...segmentsOf(order, 'i').reasons.values()].flat().filter((reason) => reason.rule === 'connected-to')
      expect(told).toEqual([{ rule: 'connected-to', label: 'a to db', inferred: false, withAlertId: expect.any(String), relation }])
    }
  })
})
