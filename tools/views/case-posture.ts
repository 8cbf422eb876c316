/** What made it possible and where it leads, as far as anybody looked: root causes with their evidence, ways in, what is within reach. */
import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import type { IncidentPosture } from '../../incidents/posture.ts'
import type { RootCause } from '../../incidents/root-causes.ts'
import { fitting } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { evidenceText, PlaceRow, placeRow } from './incident.ts'

export const CauseRow = z.object({
  score: z.number().describe('0 to 100'),
  title: Quoted,
  because: z.array(Quoted),
  fix: Quoted.nullable().describe('The one change that takes it away; null: none is known'),
  evidence: z.array(Quoted).describe('record, id and field'),
})
export const causeRow = (one: RootCause): z.input<typeof CauseRow> => ({
  score: one.score,
  title: causeTitle(one),
  because: one.reasons.slice(0, 4).map(({ text }) => quote(text, 140)),
  fix: one.fix === null ? null : quote(one.fix.text, 200),
  evidence: one.evidence.slice(0, 3).map((ref) => quote(evidenceText(ref), 120)),
})

/** “…Token: Deployment x” would look like a secret and be masked. */
export const causeTitle = ({ title, cause }: RootCause): Quoted =>
  quote(cause.is === 'step' ? `${cause.step.because} (${cause.step.technique.id} ${cause.step.technique.name})` : title, 240)

export const CasePosture = z.object({
  openFindings: z.number().int().describe('About its places'),
  waysIn: z.array(Quoted).describe('From the internet into its places'),
  withinReach: z.number().int().describe('Things that follow from its places'),
  reachedMore: z.boolean().describe('There are more than were followed'),
  nearest: z.array(PlaceRow.extend({ by: Quoted })),
  looked: z
    .array(z.object({ what: Quoted, by: z.array(Quoted).describe('Empty: no scanner has looked') }))
    .describe('Who looked at its images and objects, and when last'),
})
export const casePosture = ({ findings, waysIn, reached, reachedMore, coverage }: IncidentPosture): z.input<typeof CasePosture> => ({
  openFindings: findings.length,
  waysIn: fitting(
    waysIn.slice(0, 3).map((steps) => quote(steps.map(({ because }) => because).join('; then '), 300)),
    700,
  ),
  withinReach: reached.length,
  reachedMore,
  nearest: fitting(
    reached.slice(0, 6).map(({ entity, by }) => ({ ...placeRow(entity), by: quote(by.because, 160) })),
    1_100,
  ),
  looked: fitting(
    coverage.looked.map(({ title, looks }) => ({
      what: quote(title, 120),
      by: looks.slice(0, 3).map(({ scanner, lookedNs }) => quote(`${scanner} ${formatEventTime(lookedNs).slice(0, 19)}Z`, 80)),
    })),
    800,
  ),
})
