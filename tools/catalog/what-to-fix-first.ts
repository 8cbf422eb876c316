import { z } from 'zod'
import { Severity } from '../../domain/severity.ts'
import { fixKinds } from '../../store/fix-marks.ts'
import { standing } from '../../store/fix-standing.ts'
import { type Fix, listFixes, parseFixCursor } from '../../store/fixes.ts'
import { isDoor } from '../../domain/fix-words.ts'
import { fittingPage, knownCursor, listInput, More, moreText } from '../page.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'
import { tool } from '../tool.ts'
import { IncidentId, incidentOf } from '../views/find-incident.ts'
import { Detail, GivenText } from '../views/given.ts'
import { briefly, Freshness } from '../views/freshness.ts'
import { Minute, minuteOf } from '../views/finding.ts'

const FixRow = z.object({
  id: z.string(),
  change: Quoted.describe('What to change'),
  kind: z.enum(fixKinds),
  level: Severity,
  score: z.number().describe('0 to 100'),
  reasons: z.array(z.string()).describe('Codes of what the score is made of, with the factor of each that moved it'),
  findings: z.number().describe('Open ones it takes away'),
  suppressed: z.number(),
  steps: z.number().describe('Attack steps it takes away'),
  resources: z.number(),
  workloads: z.number().describe('Where it runs; 0: no inventory says where, which is not “nowhere”'),
  live: z.number().describe('Workloads on the path of a live incident'),
  door: z
    .object({
      says: Quoted,
      entity: z.string().nullable().describe('Row id of the record of inventory that shows it'),
      field: Quoted.nullable(),
    })
    .optional()
    .describe(
      'How the internet leads to it. Not there: no way is known, which is not “none”; `reasons` has exposure_unknown where no record says',
    ),
  version: Quoted.nullable().describe('The version that has all fixes that scanners name'),
  where: z.array(Quoted),
  worst: z.array(Quoted).describe('Its worst findings: check and id'),
  scans: Minute.nullable().describe('The oldest and newest scan it stands on'),
  why: z.array(Quoted).optional(),
})

/** Changes by what they take away, the most urgent first. */
export const whatToFixFirstTool = tool({
  name: 'what_to_fix_first',
  toolset: 'posture',
  title: 'What to fix first',
  description:
    'Changes (update a package, rebuild on a newer base image, change a setting) ranked by what they take away: exploited, reachable, in use, on the path of a live incident. Use it to answer “what should we do first”, over all or for one incident, cluster or namespace. For single findings use list_findings; for what cuts attack paths, find_attack_paths with mode choke_points. Example: {"incident":"inc-1f9c04be2a"}',
  input: z.object({
    cluster: GivenText(253).optional(),
    namespace: GivenText(253).optional(),
    incident: IncidentId.optional().describe('Only what lies where this incident is'),
    detail: Detail.describe('full: each reason in words, more places and findings'),
    ...listInput(50, 5),
  }),
  output: z.object({ fixes: z.array(FixRow), next: z.string().nullable(), more: More, freshness: Freshness }),
  access: 'read',
  permission: 'findings.read',
  listed: true,
  run: async ({ cluster, namespace, incident, detail, limit, cursor }, { db }) => {
    const after = knownCursor(cursor, parseFixCursor)
    const filter = { scope: cluster, namespace, ...(incident === undefined ? {} : { incident: (await incidentOf(db, incident)).id }) }
    const full = detail === 'full'
    const { entries, next } = await fittingPage(
      limit,
      async (most) => {
        const page = await listFixes(db, filter, { cursor: after, limit: most })
        return { entries: page.fixes.map((fix) => row(fix, full)), next: page.next }
      },
      full ? 14_000 : 4_700,
    )
    return {
      fixes: entries,
      next,
      more: next === null ? null : moreText(null, 'pass `next` as cursor, or narrow by cluster, namespace or incident'),
      freshness: briefly(await standing({ db }, filter, (name) => quote(name, 60))),
    }
  },
})

function row(fix: Fix, full: boolean): z.input<typeof FixRow> {
  const { details, oldestNs, newestNs } = fix
  const door = details.reasons.find(isDoor)
  const moved = details.reasons.filter(({ factor }) => full || factor !== 1)
  return {
    id: fix.id,
    change: quote(fix.title, 160),
    kind: fix.kind,
    level: fix.level,
    score: Math.round(fix.score * 10) / 10,
    reasons: moved.map(({ code, factor }) => (factor === 1 ? code : `${code} ×${Math.round(factor * 100) / 100}`)),
    findings: fix.findings,
    suppressed: fix.suppressed,
    steps: fix.steps,
    resources: fix.resources,
    workloads: fix.places,
    live: fix.livePlaces,
    ...(door === undefined ? {} : { door: doorShown(door) }),
    version: quoteOrNull(details.version, 60),
    where: details.places.slice(0, full ? 10 : 2).map(({ title, scope }) => quote(`${title} in ${scope}`, 100)),
    worst: details.best.slice(0, full ? 10 : 2).map(({ check, id }) => quote(`${check} ${id}`, 100)),
    scans: oldestNs === null || newestNs === null ? null : `${minuteOf(oldestNs)} to ${minuteOf(newestNs)}`,
    ...(full ? { why: details.reasons.map(({ text }) => quote(text, 200)) } : {}),
  }
}

const doorShown = ({ text, shownBy }: Fix['details']['reasons'][number]): NonNullable<z.input<typeof FixRow>['door']> => ({
  says: quote(text, 240),
  entity: shownBy?.entity ?? null,
  field: shownBy === undefined ? null : quote(`${shownBy.path}: ${shownBy.value}`, 160),
})
