/** Operations on findings. A list says how fresh it is. */
import { z } from 'zod'
import { cvesOf } from '../../../domain/advisory.ts'
import { NotFoundError } from '../../../domain/errors.ts'
import { FindingClass } from '../../../domain/finding.ts'
import { Severity } from '../../../domain/severity.ts'
import { advisoriesFor } from '../../../store/advisories.ts'
import { keysOf } from '../../../store/aliases.ts'
import type { Queryable } from '../../../store/database.ts'
import { findingDecisions } from '../../../store/finding-decisions.ts'
import { findingStatuses } from '../../../store/finding-life.ts'
import { fixOfFinding } from '../../../store/fixes.ts'
import { inUse } from '../../../store/in-use.ts'
import { countFindings, type Finding, getFinding, listFindings, witnessesOf } from '../../../store/finding-search.ts'
import { freshness } from '../../../store/coverage-ledger.ts'
import { FindingQuery, findingFilterOf } from '../finding-query.ts'
import { longestSuppression, suppressFinding } from '../findings.ts'
import { operation } from './operation.ts'
import { AdvisoryView, advisoryView, DecisionOnFinding, FindingView, findingView, WitnessView, witnessView } from './views/finding.ts'

const cursor = z
  .string()
  .regex(/^\d_-?\d{1,19}_[0-9a-f-]{36}$/i, 'is not the `next` of a page')
  .optional()
  .describe('`next` of the page before')
const reason = z.string().min(1).max(2_000)

async function withUse(db: Queryable, finding: Finding): Promise<z.infer<typeof FindingView>> {
  return findingView(finding, (await inUse(db, { findings: [finding.id] })).get(finding.id))
}

export const findingOperations = [
  operation({
    id: 'listFindings',
    method: 'GET',
    path: '/findings',
    permission: 'findings.read',
    summary: 'What scanners found, most severe and newest first',
    query: FindingQuery.extend({ cursor, limit: z.coerce.number().int().min(1).max(500).default(50) }),
    response: z.object({ findings: z.array(FindingView), next: z.string().nullable(), freshness: z.string() }),
    run: async ({ falconer, query: { cursor: after, limit, ...query } }) => {
      const { findings, next } = await listFindings(falconer.db, falconer.clock.now(), findingFilterOf(query), { cursor: after, limit })
      const uses = await inUse(falconer.db, { findings: findings.map(({ id }) => id) })
      return {
        findings: findings.map((one) => findingView(one, uses.get(one.id))),
        next,
        freshness: await freshness(falconer, query.scope),
      }
    },
  }),
  operation({
    id: 'listFindingCounts',
    method: 'GET',
    path: '/findings/counts',
    permission: 'findings.read',
    summary: 'How many there are, by status, class and severity',
    response: z.object({
      counts: z.array(
        z.object({ status: z.enum(findingStatuses), class: FindingClass, severity: Severity.nullable(), count: z.number().int() }),
      ),
    }),
    run: async ({ falconer: { db, clock } }) => ({ counts: await countFindings(db, clock.now()) }),
  }),
  operation({
    id: 'getFinding',
    method: 'GET',
    path: '/findings/:finding',
    permission: 'findings.read',
    summary: 'One finding: every scanner’s own words, and what people decided',
    response: z.object({
      finding: FindingView,
      resourceKeys: z.array(z.string()).describe('Every key the resource goes by: an image’s digests'),
      witnesses: z.array(WitnessView),
      advisories: z.array(AdvisoryView).describe('What dated lists say of its CVE; none: none was given, which is not “not exploited”'),
      decisions: z.array(DecisionOnFinding),
      fix: z.object({ id: z.string(), title: z.string() }).nullable().describe('The change that fixes it'),
    }),
    run: async ({ falconer: { db, clock }, params }) => {
      const finding = await getFinding(db, clock.now(), params.finding ?? '')
      if (finding === undefined) throw new NotFoundError(`There is no finding ${params.finding}.`)
      const fixed = finding.status === 'open' || finding.status === 'suppressed' ? await fixOfFinding(db, finding.id) : undefined
      return {
        finding: await withUse(db, finding),
        resourceKeys: await keysOf(db, { scope: finding.scope, ...finding.resource }),
        advisories: (await advisoriesFor(db, cvesOf(finding))).map(advisoryView),
        witnesses: (await witnessesOf(db, finding.id)).map(witnessView),
        decisions: await findingDecisions(db, finding.id),
        fix: fixed === undefined ? null : { id: fixed.id, title: fixed.title },
      }
    },
  }),
  operation({
    id: 'suppressFinding',
    method: 'POST',
    path: '/findings/:finding/suppress',
    permission: 'findings.decide',
    summary: 'Suppress it for some days; it comes back by itself',
    body: z.object({ days: z.number().int().min(1).max(longestSuppression), reason }),
    response: FindingView,
    run: async ({ falconer, who, params, body }) => withUse(falconer.db, await suppressFinding(falconer, who, params.finding ?? '', body)),
  }),
  operation({
    id: 'unsuppressFinding',
    method: 'POST',
    path: '/findings/:finding/unsuppress',
    permission: 'findings.decide',
    summary: 'Take a suppression back',
    body: z.object({ reason }),
    response: FindingView,
    run: async ({ falconer, who, params, body }) =>
      withUse(falconer.db, await suppressFinding(falconer, who, params.finding ?? '', { days: null, reason: body.reason })),
  }),
]
