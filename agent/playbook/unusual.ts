/**
 * What was not like this before: rules that this workload, or this cluster, had never reported, and rules that it reports all
 * the time. It says how far back alerts go, because what was not collected cannot have been usual.
 */
import { formatEventTime } from '../../domain/event-time.ts'
import type { Claim } from '../../domain/report.ts'
import type { CaseFile, Coverage } from '../../incidents/case-file.ts'
import { absence, type Cite, cite, citeEntity, inference } from './sentence.ts'
import type { Signal } from './weigh.ts'

const most = 4
/** From here on a rule is everyday noise of a place. */
const often = 20

export function unusual(file: CaseFile, signals: readonly Signal[]): Claim[] {
  const { sinceNs, rules } = file.history
  const [source] = watching(file)
  if (sinceNs === null || source === undefined) return []
  const since = formatEventTime(sinceNs).slice(0, 10)
  const claims: Claim[] = []
  for (const { strongest, alerts } of signals) {
    const history = rules.find((one) => one.rule === strongest.alert.rule)
    if (history === undefined || claims.length === most) continue
    const rule = cite(strongest.alert, 'rule')
    const { workload, pod } = alerts.find((entry) => entry.context.pod !== null)?.context ?? { workload: null, pod: null }
    const place = workload === null ? (pod === null ? 'here' : citeEntity(pod, 'pod')) : citeEntity(workload, 'name')
    const earlier = `${history.earlierAlerts} ${history.earlierAlerts === 1 ? 'alert' : 'alerts'} in ${history.earlierIncidents} earlier ${history.earlierIncidents === 1 ? 'incident' : 'incidents'}`
    if (history.earlierAlerts === 0)
      claims.push(absence`Rule ${rule} was not reported in this cluster before; its alerts go back to ${since}. ${standsOnSource(source)}`)
    else if (history.here === 0)
      claims.push(
        absence`Rule ${rule} is known in this cluster (${earlier}) but was not reported of ${place} before; alerts go back to ${since}. ${standsOnSource(source)}`,
      )
    else if (history.here >= often)
      claims.push(
        inference`Rule ${rule} is everyday noise of ${place}: ${String(history.here)} alerts of it came before this incident, so by itself it says little.`,
      )
  }
  return claims
}

/** Why nothing can be said of it; null when something can. */
export const usualUnknown = (file: CaseFile): string | null =>
  file.history.sinceNs === null
    ? `Whether these rules are usual here is not known: no earlier alert of cluster “${file.incident.scope}” has been collected.`
    : null

/** Sources that watch this cluster and were heard. */
export const watching = (file: CaseFile): Coverage[] =>
  file.coverage.filter((source) => source.lastSeenAt !== null && source.scope === file.incident.scope && source.collector !== 'kubernetes')

const standsOnSource = (source: Coverage): Cite => ({
  evidence: { record: 'coverage', id: source.name, path: null, value: null },
  shown: false,
})
