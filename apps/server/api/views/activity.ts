/** How the API shows an activity of an audit log. */
import { z } from 'zod'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { NewActivity } from '../../../../domain/activity.ts'
import type { Activity } from '../../../../store/activities.ts'
import { date, time } from './fields.ts'

export const ActivityView = NewActivity.omit({ raw: true, eventNs: true }).extend({
  id: z.string(),
  eventTime: time,
  receivedAt: date,
  sourceId: z.string().nullable(),
})
export const activityView = ({ eventNs, ...activity }: Activity): z.infer<typeof ActivityView> => ({
  ...activity,
  eventTime: formatEventTime(eventNs),
})
