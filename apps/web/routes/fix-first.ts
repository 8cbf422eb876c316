/** What to fix first, and one fix. */
import { InputError, NotFoundError } from '../../../domain/errors.ts'
import { getFix, listFixes, parseFixCursor } from '../../../store/fixes.ts'
import { standing } from '../../../store/fix-standing.ts'
import { fixFilterOf, FixQuery } from '../../server/fix-query.ts'
import { fixFirstPage, fixPage } from '../fix-first-page.ts'
import { page, type Shown, type SignedIn, type WebRoute } from '../route.ts'

async function showList({ falconer, who, query }: SignedIn): Promise<Shown> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(FixQuery.shape)) {
    const value = query(name)?.trim()
    if (value !== undefined && value !== '') given[name] = value
  }
  const asked = FixQuery.safeParse(given)
  const [issue] = asked.success ? [] : asked.error.issues
  const cursor = query('cursor')
  const after = cursor !== undefined && parseFixCursor(cursor) !== undefined ? { cursor } : {}
  let problem = issue === undefined ? null : `${issue.path.join('.')}: ${issue.message}`
  let filter = null
  try {
    filter = asked.success ? await fixFilterOf(falconer, asked.data) : null
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof InputError)) throw error
    problem = error.message
  }
  const found = filter === null ? { fixes: [], next: null } : await listFixes(falconer.db, filter, { limit: 20, ...after })
  return fixFirstPage(falconer, who, { given, problem, ...found, freshness: await standing(falconer, filter ?? {}) })
}

export const fixRoutes: readonly WebRoute[] = [
  page('/fix-first', 'findings.read', showList),
  page('/fix-first/:fix', 'findings.read', async ({ falconer, who, param }) => {
    const fix = await getFix(falconer.db, param('fix'))
    if (fix === undefined) throw new NotFoundError('There is no such fix; what it took away may be fixed.')
    return fixPage(falconer, who, fix)
  }),
]
