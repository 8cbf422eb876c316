/** An event of CloudTrail’s log files, and the parts read from it. */
import { z } from 'zod'

const text = z.string().nullish()
const flag = z.union([z.boolean(), z.string()]).nullish()
export const TrailEvent = z.looseObject({
  eventID: text,
  eventTime: text,
  '@timestamp': text,
  eventSource: z.string().min(1).max(300),
  eventName: z.string().min(1).max(300),
  eventType: text,
  awsRegion: text,
  sourceIPAddress: text,
  userAgent: text,
  errorCode: text,
  errorMessage: text,
  recipientAccountId: text,
  requestID: text,
  readOnly: flag,
  managementEvent: flag,
  userIdentity: z
    .looseObject({
      type: text,
      arn: text,
      principalId: text,
      userName: text,
      accountId: text,
      accessKeyId: text,
      invokedBy: text,
      sessionContext: z.looseObject({ sessionIssuer: z.looseObject({ arn: text, userName: text }).nullish() }).nullish(),
    })
    .nullish(),
  requestParameters: z.unknown().optional(),
  responseElements: z.unknown().optional(),
  additionalEventData: z.unknown().optional(),
  resources: z.array(z.looseObject({ ARN: text, type: text, accountId: text })).nullish(),
})
export type TrailEvent = z.infer<typeof TrailEvent>
