/** An incident investigated by the playbook at once, and what follows from any report of it: proposals, and news. */
import { investigate } from '../../agent/investigate.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import { suggest } from '../../agent/suggest.ts'
import { deriveFirst } from '../../graph/asked.ts'
import { stillUnplannable } from '../../responses/plan-requested.ts'
import type { StillUnplannable } from '../../responses/propose.ts'
import { type Investigation, noteRefusals } from '../../store/investigations.ts'
import { hasCluster } from './cluster.ts'
import type { Falconer } from './falconer.ts'

/** Which cluster answers for a scope, if one does. */
export const scopeCluster = ({ cluster, config }: Falconer, scope: string): { simulated: boolean } | null =>
  cluster !== null && scope === config.FALCONER_SCOPE ? { simulated: cluster.simulated } : null

/** Has the playbook investigate an incident, and proposes what its report recommends. */
export async function investigateNow(falconer: Falconer, incidentId: string, by: string): Promise<Investigation> {
  const { db, clock } = falconer
  // What changed a moment ago may be how it was entered.
  await deriveFirst(falconer)
  const investigation = await investigate(db, clock, playbook, incidentId, { cluster: (scope) => scopeCluster(falconer, scope) })
  await conclude(falconer, investigation, by)
  return investigation
}

/** Undefined: the cluster there is cannot be asked from here. */
const reconsidering = ({ cluster, config, responses }: Falconer): StillUnplannable | undefined =>
  cluster === null && hasCluster(config) ? undefined : (before) => stillUnplannable(responses, responses.executor, before)

/** What follows from a report: proposals, and news. */
export async function conclude(falconer: Falconer, investigation: Investigation, by: string): Promise<void> {
  const { db, log, responses } = falconer
  const { id: investigationId, incidentId, report } = investigation
  log.info('incident investigated', { incidentId, investigationId, by, status: investigation.status, verdict: report?.verdict })
  if (report !== null) {
    const suggested = await suggest(responses, report, { incidentId, investigationId }, reconsidering(falconer))
    const refused = suggested.flatMap((one, index) => ('refused' in one ? [[index, one.refused] as const] : []))
    await noteRefusals(db, investigation, new Map(refused))
    falconer.changed('proposals')
  }
  falconer.changed('incidents')
}
