/**
 * AWS CloudTrail: its log files (`Records`), lists, an event a line, deliveries of CloudWatch, answers of lookup-events, and their OCSF form.
 * Of parameters and answers only listed names are stored (kept.ts). The account stands in the properties; the scope is the source’s.
 * Content key: SHA-256 over the scope and the event’s eventID, else over the scope and the document; an alert’s: that, and the detection’s id.
 */
import { type LogLayout, splitLog } from '../audit-log.ts'
import type { Collector } from '../collector.ts'
import { TrailEvent } from './event.ts'
import { normaliseTrail } from './normalise.ts'
import { fromOcsf, isOcsf } from './ocsf.ts'

export const cloudtrail: Collector<TrailEvent> = {
  name: 'cloudtrail',
  title: 'CloudTrail',
  produces: ['activity', 'alert', 'entity', 'relation'],
  withholds: 'its parameters may hold secrets',
  connect: `The trail’s files, once or regularly (gzip is undone; nothing is stored twice, so whole days can be sent again):

\`\`\`sh
aws s3 sync s3://BUCKET/AWSLogs/ACCOUNT/CloudTrail/ ./cloudtrail
falconer import ./cloudtrail --cluster {{scope}}
\`\`\`

Without a trail, what the account keeps of the last 90 days:

\`\`\`sh
aws cloudtrail lookup-events --start-time 2026-01-31T00:00:00Z --output json | falconer import - --cluster {{scope}}
\`\`\`

Pushed, by whatever is told of a new file (a Lambda of the bucket’s notifications, Vector, Fluent Bit):

\`\`\`sh
curl --data-binary @FILE.json.gz -H "Authorization: Bearer {{secret}}" {{url}}/ingest/cloudtrail
\`\`\``,
  detect: (sample) =>
    /(\\?)"eventSource\1"\s*:\s*\1"[\w.-]+\.amazonaws\.com/.test(sample)
      ? /(\\?)"eventName\1"\s*:/.test(sample) &&
        (!/\\"eventSource\\"/.test(sample) || /"(?:logEvents|CloudTrailEvent|events)"\s*:/.test(sample))
      : /"class_uid"\s*:\s*(?:3\d{3}|6\d{3}|4\d{3})\b/.test(sample) && /"name"\s*:\s*"CloudTrail"/.test(sample),
  raw: TrailEvent,
  split: (input) => splitLog(input, layout),
  normalise: normaliseTrail,
}

const layout: LogLayout = {
  wrappers: ['Records', 'Events', 'logEvents', 'events'],
  unpack(document) {
    if (isOcsf(document)) return { event: fromOcsf(document), translated: true }
    if ('eventSource' in document) return { event: document }
    const packed = document.CloudTrailEvent ?? document.message
    return typeof packed === 'string' ? { text: packed } : { event: document }
  },
}
