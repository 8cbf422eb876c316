/**
 * What was not like this before: rules that this workload, or this cluster, had never reported, and rules that it reports all
 * the time. It says how far back alerts go, because what was not collected cannot have been usual.
 */
import type { Claim } from '../../domain/report.ts'
import { isUsual, type NormalHere } from '../../incidents/baseline.ts'
import type { CaseFile, Coverage } from '../../incidents/case-file.ts'
import { absence, type Cite, cite, citeEntity, inference } from './sentence.ts'
import type { Signal } from './weigh.ts'

const most = 4

export function unusual(file: CaseFile, signals: readonly Signal[]): Claim[] {
  const { sinceDay, rules, here } = file.baseline
  const [source] = watching(file)
  if (sinceDay === null || source === undefined) return []
  const claims: Claim[] = []
  for (const { strongest, alerts } of signals) {
    const inCluster = rules.find((one) => one.rule === strongest.alert.rule)
    const mine = here.filter((one) => one.rule === strongest.alert.rule)
    if (inCluster === undefined || mine.length === 0 || claims.length === most) continue
    const rule = cite(strongest.alert, 'rule')
    const { workload, pod } = alerts.find((entry) => entry.context.pod !== null)?.context ?? { workload: null, pod: null }
    const place = workload === null ? (pod === null ? 'here' : citeEntity(pod, 'pod')) : citeEntity(workload, 'name')
    const earlier = `${times(inCluster.count, 'alert')} on ${times(inCluster.days, 'day')}`
    if (inCluster.count === 0)
      claims.push(
        absence`Rule ${rule} was not reported in this cluster before that day; its alerts go back to ${sinceDay}. ${standsOnSource(source)}`,
      )
    else if (mine.every((one) => one.usual.firstSeen === null))
      claims.push(
        absence`Rule ${rule} is known in this cluster (${earlier}) but was not reported of ${place} by this process before that day; alerts go back to ${sinceDay}. ${standsOnSource(source)}`,
      )
    else if (mine.every(isUsual))
      claims.push(inference`Rule ${rule} is everyday noise of ${place}: by the same process ${rarest(mine)}, so by itself it says little.`)
  }
  return claims
}

/** Of all that is usual, what is so the least. */
const rarest = (mine: readonly NormalHere[]): string => mine.toSorted((a, b) => a.usual.days - b.usual.days)[0]?.usual.text ?? ''
const times = (count: number, what: string): string => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`

/** Sources that watch this cluster and were heard. */
export const watching = (file: CaseFile): Coverage[] =>
  file.coverage.filter((source) => source.lastSeenAt !== null && source.scope === file.incident.scope && source.collector !== 'kubernetes')

const standsOnSource = (source: Coverage): Cite => ({
  evidence: { record: 'coverage', id: source.name, path: null, value: null },
  shown: false,
})
