/**
 * The case file for a reader with little room: each part has its share of the whole, the likeliest or most severe first, and says what it left out.
 * The first and the last alert and the first of the highest severity are always in it.
 */
import { z } from 'zod'
import { shortId } from '../../domain/ids.ts'
import { type CaseFile, sample } from '../../incidents/case-file.ts'
import { entriesOf } from '../../incidents/timeline.ts'
import { unknowns } from '../../incidents/unknowns.ts'
import { bytesOf, fitting } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { EntryRow, entryRow } from './alert.ts'
import { CasePosture, casePosture, CauseRow, causeRow } from './case-posture.ts'
import {
  DecisionRow,
  decisionRow,
  IncidentHead,
  incidentHead,
  PlaceRow,
  placeRow,
  RuleCount,
  ruleCount,
  VerdictRow,
  verdictRow,
} from './incident.ts'
import { ProcessLine, processLines } from './process.ts'

/** Bytes; with names and marks between them below 24,000. */
const share = {
  rules: 1_600,
  alerts: 7_000,
  processes: 2_600,
  places: 1_200,
  normal: 1_500,
  causes: 3_200,
  decisions: 600,
  unknowns: 1_800,
}

const Left = z.number().int().describe('How many more there are')
export const CaseView = z.object({
  incident: IncidentHead,
  rules: z.array(RuleCount),
  rulesLeft: Left,
  alerts: z.array(EntryRow.extend({ explained: Quoted.optional().describe('Inventory itself explains it') })).describe('In event order'),
  alertsLeft: Left.describe('Alerts that no entry tells of: get_timeline has them'),
  processes: z.array(ProcessLine),
  processesLeft: Left,
  places: z.array(PlaceRow),
  placesLeft: Left,
  baseline: z.object({
    since: z.string().nullable().describe('Alerts are known since that day; null: nobody watched before, so nothing is known to be usual'),
    newPlaces: z.array(Quoted).describe('Of which nothing was ever reported before'),
    here: z.array(z.object({ rule: Quoted, place: Quoted, process: Quoted, usual: Quoted })).describe('Before the day it began'),
  }),
  rootCauses: z.array(CauseRow),
  rootCausesLeft: Left,
  posture: CasePosture,
  decisions: z.array(DecisionRow),
  calledBefore: z
    .array(z.object({ incident: z.string(), decision: z.uuid(), ...VerdictRow.shape }))
    .optional()
    .describe(
      'What people called incidents in which all of this was seen: same rules, processes and places. Evidence; where it makes an incident less severe, by one step at most, code has done so already',
    ),
  unknowns: z.array(Quoted).describe('What was not observed; absent is not clean'),
})

export function caseView(file: CaseFile): z.input<typeof CaseView> {
  const alerts = alertsShown(file)
  const rules = fitting(file.groups.toSorted((a, b) => b.count - a.count).map(ruleCount), share.rules)
  const lines = processLines(file.processes, 120)
  const processes = fitting(lines, share.processes)
  const places = fitting(file.entities.filter(({ kind }) => kind !== 'container').map(placeRow), share.places)
  const causes = fitting(file.rootCauses.map(causeRow), share.causes)
  return {
    incident: incidentHead(file.incident),
    rules,
    rulesLeft: file.groups.length - rules.length,
    alerts: alerts.rows,
    alertsLeft: file.incident.alertCount - alerts.told,
    processes,
    processesLeft: lines.length - processes.length,
    places,
    placesLeft: file.entities.filter(({ kind }) => kind !== 'container').length - places.length,
    baseline: baselineShown(file),
    rootCauses: causes,
    rootCausesLeft: file.rootCauses.length - causes.length,
    posture: casePosture(file.posture),
    decisions: fitting(file.decisions.toReversed().map(decisionRow), share.decisions),
    ...(file.called.length === 0 ? {} : { calledBefore: file.called.map(calledRow) }),
    unknowns: fitting(
      unknowns(file).map((text) => quote(text, 300)),
      share.unknowns,
    ),
  }
}

const calledRow = (called: CaseFile['called'][number]) => ({
  incident: shortId('incident', called.incidentId),
  decision: called.decisionId,
  ...verdictRow(called),
})

/** As many entries as fit, chosen as the case file's own sample is; the one that holds the last alert among them. */
function alertsShown({ alerts }: CaseFile): { rows: z.input<typeof CaseView>['alerts']; told: number } {
  const pods = new Map(
    alerts.flatMap(({ alert, context: { pod } }) => (pod === null ? [] : [[alert.id, `${pod.namespace}/${pod.name}`] as const])),
  )
  const explained = new Map(
    alerts.flatMap(({ alert, explanation }) => (explanation === null ? [] : [[alert.id, explanation.text] as const])),
  )
  const { entries } = entriesOf(alerts.map(({ alert }) => alert))
  const rows = new Map(
    entries.map((entry) => {
      const why = explained.get(entry.alert.id)
      const pod = pods.get(entry.alert.id)
      return [
        entry.alert.id,
        {
          ...entryRow(entry),
          ...(pod === undefined ? {} : { where: quote(pod, 160) }),
          ...(why === undefined ? {} : { explained: quote(why, 160) }),
        },
      ] as const
    }),
  )
  const latest = entries.reduce<(typeof entries)[number] | null>(
    (found, one) => (found === null || one.lastNs >= found.lastNs ? one : found),
    null,
  )
  const candidates = entries.map(({ alert: { id, rule, severity, eventNs } }) => ({ id, rule, severity, eventNs }))
  const choose = (most: number): Set<string> => new Set([...sample(candidates, most), ...(latest === null ? [] : [latest.alert.id])])
  const size = (ids: ReadonlySet<string>): number => [...ids].reduce((sum, id) => sum + bytesOf(rows.get(id)) + 1, 0)
  let [fits, tooMany] = [3, entries.length + 1]
  while (tooMany - fits > 1) {
    const half = (fits + tooMany) >> 1
    if (size(choose(half)) <= share.alerts) fits = half
    else tooMany = half
  }
  const chosen = choose(fits)
  const shown = entries.filter(({ alert }) => chosen.has(alert.id))
  return { rows: shown.flatMap(({ alert }) => rows.get(alert.id) ?? []), told: shown.reduce((sum, { times }) => sum + times, 0) }
}

const baselineShown = ({ baseline: { sinceDay, newPlaces, here } }: CaseFile): z.input<typeof CaseView>['baseline'] => ({
  since: sinceDay,
  newPlaces: newPlaces.slice(0, 5).map((place) => quote(place, 120)),
  here: fitting(
    here.map(({ rule, place, process, usual }) => ({
      rule: quote(rule, 80),
      place: quote(place, 100),
      process: quote(process, 80),
      usual: quote(usual.text, 200),
    })),
    share.normal,
  ),
})
