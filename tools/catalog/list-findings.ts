import { z } from 'zod'
import { FindingClass } from '../../domain/finding.ts'
import { Severity } from '../../domain/severity.ts'
import { freshness } from '../../store/coverage-ledger.ts'
import { findingStatuses } from '../../store/finding-life.ts'
import { listFindings, parseFindingCursor } from '../../store/finding-search.ts'
import { inUse } from '../../store/in-use.ts'
import { fittingPage, knownCursor, listInput, More, moreText } from '../page.ts'
import { tool } from '../tool.ts'
import { FindingRow, findingRow } from '../views/finding.ts'
import { GivenText } from '../views/given.ts'
import { briefly, Freshness } from '../views/freshness.ts'

const text = GivenText(500).optional()

/** Findings in the fields one chooses by, worst and newest first. */
export const listFindingsTool = tool({
  name: 'list_findings',
  toolset: 'posture',
  title: 'List findings',
  description:
    'What scanners found (vulnerabilities, misconfigurations, secrets), most severe and newest first. Use it for “is this CVE here”, “what is wrong with this image”. Not for what to do first (what_to_fix_first) nor for runtime alerts (list_alerts). An empty answer is not “clean”: read `freshness`. Example: {"check":"CVE-2021-44228","inUse":true}',
  input: z.object({
    status: z
      .enum([...findingStatuses, 'any'])
      .default('open')
      .describe('Default: open'),
    class: FindingClass.optional(),
    severity: Severity.optional().describe('At least this severe'),
    check: text.describe('Exactly this CVE or id of a check'),
    resource: text.describe('Part of the resource’s name, or its whole key (an image’s digest)'),
    package: text.describe('Exactly this package'),
    namespace: text,
    cluster: text.describe('Cluster or account whose scans saw it'),
    scanner: text.describe('trivy, grype, kube-bench, …'),
    inUse: z.boolean().optional().describe('True: only of packages seen in use. The others were not observed, which is not “unused”'),
    ...listInput(50, 10),
  }),
  output: z.object({ findings: z.array(FindingRow), next: z.string().nullable(), more: More, freshness: Freshness }),
  access: 'read',
  permission: 'findings.read',
  listed: true,
  run: async ({ status, severity, cluster, limit, cursor, ...rest }, context) => {
    const { db, clock } = context
    const after = knownCursor(cursor, parseFindingCursor)
    const filter = { ...rest, ...(status === 'any' ? {} : { status }), minSeverity: severity, scope: cluster }
    const { entries, next } = await fittingPage(
      limit,
      async (most) => {
        const page = await listFindings(db, clock.now(), filter, { cursor: after, limit: most })
        const uses = await inUse(db, { findings: page.findings.map(({ id }) => id) })
        return { entries: page.findings.map((one) => findingRow(one, uses.get(one.id))), next: page.next }
      },
      4_800,
    )
    return {
      findings: entries,
      next,
      more: next === null ? null : moreText(null, 'pass `next` as cursor, or narrow by severity, class, namespace, resource or package'),
      freshness: briefly(await freshness(context, cluster)),
    }
  },
})
