/** Whatever the size of an incident and whoever wrote its words: the case file that a model reads is small and keeps what matters, and the playbook's claims hold. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { redactDeep } from '../../domain/redact.ts'
import { severityId } from '../../domain/severity.ts'
import { ground } from '../../incidents/grounding.ts'
import { lastHeard } from '../../incidents/record-field.ts'
import { anyIncident, type Shape } from '../../test/support/any-incident.ts'
import { property } from '../../test/support/sizes.ts'
import { fenceNote } from '../../tools/quoted.ts'
import { CaseView, caseView } from '../../tools/views/case-file.ts'
import { playbook } from './playbook.ts'

const shapes: fc.Arbitrary<Shape> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  alerts: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 100, max: 600 }), fc.integer({ min: 1_000, max: 5_000 })),
  rules: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 60 }), fc.integer({ min: 100, max: 400 })),
  pods: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 80 })),
  processes: fc.integer({ min: 1, max: 300 }),
  hostile: fc.boolean(),
  posture: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 })),
})
const most = 6_000

it(`a case file is at most ${most} tokens, and tells the first alert, the last and one of the highest severity`, async () => {
  let largest = 0
  await fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { all, file } = anyIncident(shape)
      const view = redactDeep(CaseView.parse(caseView(file)))
      const tokens = Buffer.byteLength(`${fenceNote}\n${stringifyExact(view)}`) / 4
      largest = Math.max(largest, tokens)
      expect(tokens).toBeLessThanOrEqual(most)
      const times = all.map(({ eventNs }) => eventNs).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      const ends = view.alerts.flatMap(({ at, until }) => [at, until])
      expect(ends).toContain(formatEventTime(times[0] as bigint))
      expect(ends).toContain(formatEventTime(times.at(-1) as bigint))
      const severityOf = new Map(all.map(({ id, severity }) => [id, severityId(severity)]))
      expect(Math.max(...view.alerts.map(({ id }) => severityOf.get(id) ?? 0))).toBe(Math.max(...severityOf.values()))
      expect(view.alertsLeft + view.alerts.reduce((sum, { times: told = 1 }) => sum + told, 0)).toBe(all.length)
    }),
    property(600, 30),
  )
  console.log(`the largest case file: ${Math.round(largest)} tokens`)
})

it('every claim of the playbook is confirmed by the records it cites', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { file, reader, coverage } = anyIncident(shape)
      const report = await ground(await playbook.analyse(file), reader, {
        severityFloor: file.incident.severityFloor,
        entityIds: new Set(file.entities.map(({ id }) => id.toString())),
        coverage: new Map(coverage.map((one) => [one.name, lastHeard(one)])),
      })
      const claims = [
        ...report.summary,
        ...report.reasons,
        ...report.unusual,
        ...report.timeline,
        ...report.rootCause,
        ...report.fixFirst,
        ...report.blastRadius,
      ]
      expect(claims.length).toBeGreaterThan(2)
      expect(claims.filter(({ grounded }) => !grounded)).toEqual([])
    }),
    property(600, 30),
  )
})
