/** Operations on what audit logs tell: who did what, with which identity, through an API. */
import { z } from 'zod'
import { listActivities } from '../../../store/activities.ts'
import { ScopeName } from '../sources.ts'
import { EventMoment, operation } from './operation.ts'
import { ActivityView, activityView } from './views/activity.ts'

export const activityOperations = [
  operation({
    id: 'listActivities',
    method: 'GET',
    path: '/activities',
    permission: 'incidents.read',
    summary: 'What audit logs tell, newest first: by actor, operation and time',
    query: z.object({
      actor: z.string().min(1).max(2_000).optional().describe('Exactly this identity: an ARN, a user name'),
      operation: z.string().min(1).max(300).optional().describe('Exactly this: GetObject, “create pods/exec”'),
      scope: ScopeName.optional().describe('Cluster or account'),
      from: EventMoment.optional(),
      to: EventMoment.optional(),
      cursor: z
        .string()
        .regex(/^-?\d{1,19}_[0-9a-f-]{36}$/i, 'is not the `next` of a page')
        .optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    response: z.object({ activities: z.array(ActivityView), next: z.string().nullable() }),
    run: async ({ falconer: { db }, query: { from, to, cursor, limit, ...filter } }) => {
      const { activities, next } = await listActivities(db, { ...filter, sinceNs: from, untilNs: to }, { cursor, limit })
      return { activities: activities.map(activityView), next }
    },
  }),
]
