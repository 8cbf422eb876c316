/** Records that tools tell of in words only, read for citing them. Each asks for the permission that the tool of its kind asks for. */
import { NotFoundError } from '../../domain/errors.ts'
import { isId, isRowNumber, parseId } from '../../domain/ids.ts'
import { type Permission, permissions, type Principal, roleAtLeast } from '../../domain/principal.ts'
import { fromDate } from '../../domain/event-time.ts'
import { stepsBetween, stepsFixedBy } from '../../store/attack-steps.ts'
import type { Queryable } from '../../store/database.ts'
import { getIncident } from '../../store/incidents.ts'
import { incidentsAt, incidentsInNamespace, incidentsSince, newestIncident, placeRecorded } from '../../store/incidents-asked.ts'
import { inUse } from '../../store/in-use.ts'
import { latestReports } from '../../store/investigations.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { listUsers } from '../../store/people.ts'
import { approvalsOf, listProposals } from '../../store/proposals.ts'
import type { Records } from './asking.ts'

const most = 20

export function recordsFor(db: Queryable, principal: Principal): Records {
  const may = (permission: Permission): boolean => {
    const needed = permissions[permission]
    return needed === null || roleAtLeast(principal.role, needed)
  }
  const incidentId = async (text: string): Promise<string | undefined> => {
    const by = parseId('incident', text)
    return by && (await getIncident(db, by))?.id
  }
  return {
    stepsBetween: async (pairs) =>
      may('graph.read')
        ? stepsBetween(
            db,
            pairs.map(({ src, dst }) => ({ src: BigInt(src), dst: BigInt(dst) })),
            null,
          )
        : [],
    report: async (incident) => {
      const id = may('incidents.read') ? await incidentId(incident) : undefined
      return id === undefined ? undefined : ((await latestReports(db, [id])).get(id)?.report ?? undefined)
    },
    inUse: async (findings) => (may('findings.read') ? inUse(db, { findings: findings.filter(isId) }) : new Map()),
    stepsFixedBy: async (changes) => (may('graph.read') ? stepsFixedBy(db, changes) : []),
    newestIncident: async () => (may('incidents.read') ? newestIncident(db) : undefined),
    incidentsSince: async (at) => (may('incidents.read') ? incidentsSince(db, fromDate(at), most) : []),
    incidentsIn: async (namespace) => (may('incidents.read') ? incidentsInNamespace(db, namespace, most) : []),
    incidentsOf: async (entity) => (may('incidents.read') && isRowNumber(entity) ? incidentsAt(db, [BigInt(entity)], most) : []),
    hasPlace: (name) => placeRecorded(db, name),
    decided: async ({ incident, since }) => {
      const incidentOf = incident === null ? undefined : await incidentId(incident)
      if (!may('proposals.read') || (incident !== null && incidentOf === undefined)) return []
      const proposals = await listProposals(db, incidentOf === undefined ? {} : { incidentId: incidentOf }, 100)
      const all = await Promise.all(proposals.map(async ({ id }) => ({ id, decided: await approvalsOf(db, id) })))
      return all
        .filter(({ decided }) => decided.some(({ at }) => since === null || at >= since))
        .map(({ id, decided }) => ({ id, times: decided.length }))
        .slice(0, most)
    },
    decisionsOf: async (incident) => {
      const id = may('incidents.read') ? await incidentId(incident) : undefined
      if (id === undefined) return []
      const names = new Map((await listUsers(db)).map((user) => [user.id, user.name]))
      return (await decisionsOf(db, id))
        .toReversed()
        .slice(0, most)
        .map((one) => ({ id: one.id, by: names.get(one.principalId) ?? null, at: one.at }))
    },
    waiting: async (incident) => {
      if (!may('proposals.read')) return []
      const id = incident === null ? undefined : await incidentId(incident)
      if (incident !== null && id === undefined) throw new NotFoundError(`There is no incident ${incident}.`)
      return listProposals(db, { states: ['pending'], ...(id === undefined ? {} : { incidentId: id }) }, most)
    },
  }
}
