/** What every question about many alerts may be narrowed by, in the same words. */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { Priority } from '../../domain/severity.ts'
import type { AlertSearch } from '../../store/alert-search.ts'
import type { Queryable } from '../../store/database.ts'
import { IncidentId, incidentOf } from './find-incident.ts'
import { GivenText, Moment } from './given.ts'

export const alertFilter = {
  incident: IncidentId.optional(),
  rule: GivenText(500).optional().describe('Exactly this rule'),
  namespace: GivenText(253).optional(),
  pod: GivenText(400).optional().describe('namespace/name, or the name with `namespace` beside it'),
  container: GivenText(100).optional().describe('Its id, as the sensor writes it'),
  host: GivenText(253).optional(),
  cluster: GivenText(253).optional(),
  priority: Priority.optional().describe('At least this urgent'),
  from: Moment.optional().describe('Event time, not before: 2026-11-25T08:30:00Z'),
  to: Moment.optional().describe('Event time, not after'),
  text: GivenText(200)
    .refine((text) => text.length >= 2, 'must have two characters or more')
    .optional()
    .describe('In the sensor’s sentence or a field’s value; looked for among the newest few thousand at a time'),
}
const Filter = z.object(alertFilter)

/** `watched`: the cluster whose sensors the answer depends on; undefined: any. */
export async function searchFrom(
  db: Queryable,
  given: z.output<typeof Filter>,
): Promise<{ search: AlertSearch; watched: string | undefined }> {
  const { incident, rule, namespace, pod, container, host, cluster, priority, from, to, text } = given
  if (pod !== undefined && !pod.includes('/') && namespace === undefined)
    throw new InputError('A pod is named as namespace/name, or by its name with `namespace` beside it.')
  if (from !== undefined && to !== undefined && from > to) throw new InputError('`from` is later than `to`: swap them.')
  const within = incident === undefined ? undefined : await incidentOf(db, incident)
  const search = {
    incidentId: within?.id,
    rule,
    namespace: pod === undefined ? namespace : undefined,
    pod: pod === undefined || pod.includes('/') ? pod : `${namespace}/${pod}`,
    containerId: container,
    hostname: host,
    scope: cluster,
    minPriority: priority,
    fromNs: from,
    toNs: to,
    text,
  }
  return { search, watched: cluster ?? within?.scope }
}
export const narrowBy = 'narrow by incident, rule, namespace, pod, host, priority or time'
