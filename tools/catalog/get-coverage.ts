import { z } from 'zod'
import { gapKinds } from '../../domain/coverage.ts'
import { inventoryFreshness } from '../../store/inventory-standing.ts'
import { type Covered, coverage, coveredKinds as kinds } from '../../store/coverage-ledger.ts'
import { fitting, listBudget, More, moreText } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { Minute, minuteOf } from '../views/finding.ts'
import { GivenText } from '../views/given.ts'

const looked = 2_000
const Looked = z.object({
  kind: z.enum(kinds),
  name: Quoted,
  cluster: z.string(),
  by: Quoted,
  last: Minute.nullable().describe('When it was last looked at; null: never'),
  gaps: z.array(z.object({ kind: z.enum(gapKinds), since: Minute.nullable(), says: Quoted })).describe('Empty: as fresh as it should be'),
})

/** What was looked at and when, what is blind first. */
export const getCoverageTool = tool({
  name: 'get_coverage',
  toolset: 'posture',
  title: 'Get coverage',
  description:
    'What Falconer can and cannot see: sources of alerts, sensors, scans and inventory, when each was last heard, gaps first (silent, dropping events, empty or failed scans). Ask it before you say that something did not happen or is not there. Not for what was found (list_findings, list_alerts). Example: {"cluster":"prod","kind":"sensor"}',
  input: z.object({
    cluster: GivenText(253).optional(),
    kind: z.enum(kinds).optional(),
    onlyGaps: z.boolean().default(false).describe('Leave out what is as fresh as it should be'),
    limit: z.number().int().min(1).max(50).default(12),
  }),
  output: z.object({
    counts: z.array(z.object({ kind: z.enum(kinds), total: z.number(), withGaps: z.number() })),
    inventory: z.array(z.object({ cluster: z.string(), objects: z.number(), last: Minute })),
    looked: z.array(Looked).describe('Those with gaps first. What is not listed here was never set up: nothing is known from it'),
    complete: z.boolean().describe(`False: there are more than ${looked} sensors or scans; the newest were looked through`),
    more: More,
  }),
  access: 'read',
  permission: 'sources.read',
  listed: true,
  run: async ({ cluster, kind, onlyGaps, limit }, { db, clock, meaning }) => {
    const { covered, complete } = await coverage(
      { db, clock, meaning },
      { limit: looked, ...(cluster === undefined ? {} : { scope: cluster }) },
    )
    const wanted = covered.filter((one) => (kind === undefined || one.kind === kind) && (!onlyGaps || one.gaps.length > 0))
    const shown = fitting(wanted.slice(0, limit).map(row), listBudget - 1_200)
    const inventory = (await inventoryFreshness(db)).filter(({ scope }) => cluster === undefined || scope === cluster)
    return {
      counts: kinds.map((one) => {
        const of = covered.filter((each) => each.kind === one)
        return { kind: one, total: of.length, withGaps: of.filter(({ gaps }) => gaps.length > 0).length }
      }),
      inventory: inventory
        .slice(0, 5)
        .map(({ scope, entities, lastNs }) => ({ cluster: scope, objects: entities, last: minuteOf(lastNs) })),
      looked: shown,
      complete,
      more: moreText(wanted.length - shown.length, 'narrow by kind, cluster or onlyGaps'),
    }
  },
})

const row = ({ kind, name, scope, by, lastAt, gaps }: Covered): z.input<typeof Looked> => ({
  kind,
  name: quote(name, 80),
  cluster: scope,
  by: quote(by, 40),
  last: lastAt?.toISOString() ?? null,
  gaps: gaps.slice(0, 3).map((gap) => ({ kind: gap.kind, since: gap.since?.toISOString() ?? null, says: quote(gap.says, 160) })),
})
