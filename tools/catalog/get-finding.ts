import { z } from 'zod'
import { NotFoundError } from '../../domain/errors.ts'
import { Outcome } from '../../domain/finding.ts'
import { Severity } from '../../domain/severity.ts'
import { keysOf } from '../../store/aliases.ts'
import { findingDecisions } from '../../store/finding-decisions.ts'
import { type FindingWitness, getFinding, witnessesOf } from '../../store/finding-search.ts'
import { fixOfFinding } from '../../store/fixes.ts'
import { inUse } from '../../store/in-use.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'
import { tool } from '../tool.ts'
import { Listed, listsOf } from '../views/exploited.ts'
import { Detail } from '../views/given.ts'
import { FindingRow, findingRow, Minute, minuteOf } from '../views/finding.ts'

const Witness = z.object({
  scanner: Quoted,
  cluster: z.string(),
  outcome: Outcome,
  severity: Severity.nullable(),
  cvss: z.number().nullable(),
  installed: Quoted.nullable(),
  fixedIn: z.array(Quoted).describe('None: the scanner names no fixed version'),
  seen: Minute.describe('First and last, by the scans’ own times'),
  paths: z.array(Quoted),
  description: Quoted.nullable().optional(),
  remediation: Quoted.nullable().optional(),
  references: z.array(Quoted).optional(),
})
const Decided = z.object({ decision: z.enum(['suppress', 'unsuppress']), by: Quoted, at: Minute, until: Minute.nullable(), reason: Quoted })

/** One finding: every scanner’s word on it, what dated lists say of it, what fixes it. */
export const getFindingTool = tool({
  name: 'get_finding',
  toolset: 'posture',
  title: 'Get a finding',
  description:
    'One finding with every scanner’s own word, known exploitation (KEV) and its probability (EPSS) with the dates of these lists, whether its package was seen in use, what people decided, and the change that fixes it. Needs an id from list_findings. Example: {"finding":"0199c0de-0000-7000-8000-000000000001"}',
  input: z.object({
    finding: z.string().max(64).describe('Its id, as list_findings tells it'),
    detail: Detail.describe('full: descriptions, remediation, references, every key of the resource'),
  }),
  output: z.object({
    finding: FindingRow,
    since: Minute.describe('Since when it has this status'),
    reopened: z.boolean(),
    suppressedUntil: Minute.nullable(),
    witnesses: z.array(Witness).describe('Newest first'),
    lists: z.array(Listed),
    decisions: z.array(Decided).describe('Newest first'),
    fix: z.object({ id: z.string(), title: Quoted }).nullable().describe('The change that fixes it'),
    resourceKeys: z.array(Quoted).optional(),
    page: z.string(),
    more: More,
  }),
  access: 'read',
  permission: 'findings.read',
  listed: true,
  run: async ({ finding: id, detail }, { db, clock, pages }) => {
    const finding = await getFinding(db, clock.now(), id)
    if (finding === undefined)
      throw new NotFoundError(
        'There is no finding with this id. Take one from list_findings, for example {"check":"CVE-2021-44228","status":"any"}.',
      )
    const full = detail === 'full'
    const fix = finding.status === 'open' || finding.status === 'suppressed' ? await fixOfFinding(db, finding.id) : undefined
    const all = await witnessesOf(db, finding.id)
    const witnesses = fitting(
      all.slice(0, full ? 50 : 6).map((one) => witnessOf(one, full)),
      full ? 12_000 : 2_600,
    )
    return {
      finding: findingRow(finding, (await inUse(db, { findings: [finding.id] })).get(finding.id)),
      since: minuteOf(finding.statusNs),
      reopened: finding.reopened,
      suppressedUntil: finding.suppressedUntil?.toISOString() ?? null,
      witnesses,
      lists: await listsOf(db, finding, clock.now()),
      decisions: (await findingDecisions(db, finding.id)).slice(0, full ? 20 : 2).map(decidedOf),
      fix: fix === undefined ? null : { id: fix.id, title: quote(fix.title, 150) },
      ...(full
        ? { resourceKeys: (await keysOf(db, { scope: finding.scope, ...finding.resource })).slice(0, 20).map((key) => quote(key, 200)) }
        : {}),
      page: `${pages}/findings/${finding.id}`,
      more: moreText(all.length - witnesses.length, 'ask with detail full for more witnesses'),
    }
  },
})

const witnessOf = (one: FindingWitness, full: boolean): z.input<typeof Witness> => ({
  scanner: quote(one.version === null ? one.scanner : `${one.scanner} ${one.version}`, 60),
  cluster: one.scope,
  outcome: one.outcome,
  severity: one.severity,
  cvss: one.data.cvss?.score ?? null,
  installed: quoteOrNull(one.data.package?.version, 60),
  fixedIn: (one.data.package?.fixedIn ?? []).slice(0, 3).map((version) => quote(version, 60)),
  seen: `${minuteOf(one.firstNs)} to ${minuteOf(one.lastNs)}`,
  paths: one.paths.slice(0, full ? 10 : 2).map((path) => quote(path, 120)),
  ...(full
    ? {
        description: quoteOrNull(one.data.description, 1_500),
        remediation: quoteOrNull(one.data.remediation, 1_000),
        references: one.data.references.slice(0, 10).map((url) => quote(url, 200)),
      }
    : {}),
})

const decidedOf = ({ decision, by, at, until, reason }: Awaited<ReturnType<typeof findingDecisions>>[number]): z.input<typeof Decided> => ({
  decision,
  by: quote(by, 60),
  at: at.toISOString(),
  until: until?.toISOString() ?? null,
  reason: quote(reason, 200),
})
