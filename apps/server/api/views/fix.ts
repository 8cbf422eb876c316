/** How the API shows a fix: what to change, what that takes away, how urgent it is and why. */
import { z } from 'zod'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { Severity } from '../../../../domain/severity.ts'
import { fixKinds } from '../../../../store/fix-marks.ts'
import type { Fix } from '../../../../store/fixes.ts'
import { date, time } from './fields.ts'

const count = z.number().int()
export const FixView = z.object({
  id: z.string(),
  kind: z.enum(fixKinds),
  title: z.string().describe('What to change'),
  score: z.number().describe('0 to 100: of the worst it takes away, where that matters most'),
  level: Severity,
  reasons: z
    .array(
      z.object({
        code: z.string(),
        text: z.string(),
        factor: z.number(),
        shownBy: z
          .object({ entity: z.string(), path: z.string(), value: z.string() })
          .optional()
          .describe('The field of a record of inventory that shows it, see /entities'),
      }),
    )
    .describe('What the score is made of; what was not observed is said, with the factor 1'),
  findings: count.describe('Open ones it takes away; suppressed ones are not counted'),
  suppressed: count,
  fixable: count.describe('Open ones of which a scanner names a fixed version'),
  version: z.string().nullable().describe('The version that has all fixes that scanners name'),
  best: z.array(z.object({ id: z.string(), check: z.string(), title: z.string(), on: z.string() })).describe('Its worst findings'),
  resources: z.object({ count, first: z.array(z.object({ kind: z.string(), key: z.string(), name: z.string(), findings: count })) }),
  workloads: z
    .object({
      count,
      live: count.describe('On the path of a live incident'),
      first: z.array(z.object({ id: z.string(), title: z.string(), scope: z.string(), live: z.boolean() })),
    })
    .describe('Where it runs, the most urgent first. None: no inventory says where, which is not “nowhere”'),
  incidents: z.array(z.string()),
  steps: z
    .object({ count, first: z.array(z.object({ because: z.string(), technique: z.string() })) })
    .describe('Attack steps it takes away'),
  oldestScanAt: time.nullable().describe('When the scans looked that it stands on'),
  newestScanAt: time.nullable(),
  derivedAt: date,
})
export function fixView({ details, oldestNs, newestNs, ...fix }: Fix): z.infer<typeof FixView> {
  return {
    id: fix.id,
    kind: fix.kind,
    title: fix.title,
    score: Math.round(fix.score * 10) / 10,
    level: fix.level,
    reasons: details.reasons.map(({ factor, ...one }) => ({ ...one, factor: Math.round(factor * 100) / 100 })),
    findings: fix.findings,
    suppressed: fix.suppressed,
    fixable: fix.fixable,
    version: details.version,
    best: details.best,
    resources: { count: fix.resources, first: details.resources },
    workloads: { count: fix.places, live: fix.livePlaces, first: details.places.map(({ id, ...one }) => ({ ...one, id: String(id) })) },
    incidents: details.incidents,
    steps: { count: fix.steps, first: details.steps.map(({ because, technique }) => ({ because, technique })) },
    oldestScanAt: oldestNs === null ? null : formatEventTime(oldestNs),
    newestScanAt: newestNs === null ? null : formatEventTime(newestNs),
    derivedAt: fix.derivedAt,
  }
}
