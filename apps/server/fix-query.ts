/** What fixes may be asked by, the same for the API and the page. */
import { z } from 'zod'
import type { FixFilter } from '../../store/fixes.ts'
import type { Falconer } from './falconer.ts'
import { findIncident } from '../../store/find.ts'

const text = z.string().min(1).max(500).optional()
export const FixQuery = z.object({
  scope: text.describe('Cluster or account that it concerns'),
  namespace: text.describe('Kubernetes namespace'),
  incident: text.describe('Only what lies where this incident is'),
})

/** Throws NotFoundError when there is no such incident. */
export async function fixFilterOf({ db }: Falconer, { incident, ...rest }: z.infer<typeof FixQuery>): Promise<FixFilter> {
  return { ...rest, ...(incident === undefined ? {} : { incident: (await findIncident(db, incident)).id }) }
}
