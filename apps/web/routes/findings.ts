/** Findings: the list, one of them, and suppressing it. */
import { NotFoundError } from '../../../domain/errors.ts'
import { cvesOf } from '../../../domain/advisory.ts'
import { advisoriesFor } from '../../../store/advisories.ts'
import { findingDecisions } from '../../../store/finding-decisions.ts'
import { countFindings, getFinding, listFindings, parseFindingCursor, witnessesOf } from '../../../store/finding-search.ts'
import { fixOfFinding } from '../../../store/fixes.ts'
import { inUse } from '../../../store/in-use.ts'
import { freshness } from '../../../store/coverage-ledger.ts'
import { FindingQuery, findingFilterOf } from '../../server/finding-query.ts'
import { suppressFinding } from '../../server/findings.ts'
import { findingPage, findingsPage } from '../findings-page.ts'
import { form, page, type Shown, type SignedIn, type WebRoute } from '../route.ts'

async function showList({ falconer, who, query }: SignedIn): Promise<Shown> {
  const { db, clock } = falconer
  const given: Record<string, string> = {}
  for (const name of Object.keys(FindingQuery.shape)) {
    const value = query(name)?.trim()
    if (value !== undefined && value !== '') given[name] = value
  }
  const asked = FindingQuery.safeParse(given)
  const [issue] = asked.success ? [] : asked.error.issues
  const cursor = query('cursor')
  const found = asked.success
    ? await listFindings(db, clock.now(), findingFilterOf(asked.data), {
        limit: 50,
        ...(cursor !== undefined && parseFindingCursor(cursor) !== undefined ? { cursor } : {}),
      })
    : { findings: [], next: null }
  return findingsPage(falconer, who, {
    given,
    problem: issue === undefined ? null : `${issue.path.join('.')}: ${issue.message}`,
    ...found,
    uses: await inUse(db, { findings: found.findings.map(({ id }) => id) }),
    counts: await countFindings(db, clock.now()),
    freshness: await freshness(falconer),
  })
}

const decide = (to: 'suppress' | 'unsuppress'): WebRoute =>
  form(`/findings/:finding/${to}`, 'findings.decide', async ({ falconer, context, who, fields, param }) => {
    const days = to === 'suppress' ? Number(fields.get('days')) : null
    const { id } = await suppressFinding(falconer, who, param('finding'), { days, reason: fields.get('reason') })
    return context.redirect(`/findings/${id}`, 303)
  })

export const findingRoutes: readonly WebRoute[] = [
  page('/findings', 'findings.read', showList),
  page('/findings/:finding', 'findings.read', async ({ falconer, who, param }) => {
    const { db, clock } = falconer
    const finding = await getFinding(db, clock.now(), param('finding'))
    if (finding === undefined) throw new NotFoundError('There is no such finding.')
    return findingPage(falconer, who, {
      finding,
      use: (await inUse(db, { findings: [finding.id] })).get(finding.id),
      witnesses: await witnessesOf(db, finding.id),
      decisions: await findingDecisions(db, finding.id),
      advisories: await advisoriesFor(db, cvesOf(finding)),
      fix: await fixOfFinding(db, finding.id),
    })
  }),
  decide('suppress'),
  decide('unsuppress'),
]
