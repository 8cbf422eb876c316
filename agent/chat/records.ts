/** Records that tools tell of in words only, read for citing them. Each asks for the permission that the tool of its kind asks for. */
import { NotFoundError } from '../../domain/errors.ts'
import { isId, parseId } from '../../domain/ids.ts'
import { type Permission, permissions, type Principal, roleAtLeast } from '../../domain/principal.ts'
import { stepsBetween } from '../../store/attack-steps.ts'
import type { Queryable } from '../../store/database.ts'
import { getIncident } from '../../store/incidents.ts'
import { inUse } from '../../store/in-use.ts'
import { latestReports } from '../../store/investigations.ts'
import { listProposals } from '../../store/proposals.ts'
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
    waiting: async (incident) => {
      if (!may('proposals.read')) return []
      const id = incident === null ? undefined : await incidentId(incident)
      if (incident !== null && id === undefined) throw new NotFoundError(`There is no incident ${incident}.`)
      return listProposals(db, { states: ['pending'], ...(id === undefined ? {} : { incidentId: id }) }, most)
    },
  }
}
