/** Operations on fixes: what to fix first, and one of them. */
import { z } from 'zod'
import { NotFoundError } from '../../../domain/errors.ts'
import { getFix, listFixes, parseFixCursor } from '../../../store/fixes.ts'
import { standing } from '../../../store/fix-standing.ts'
import { fixFilterOf, FixQuery } from '../fix-query.ts'
import { operation } from './operation.ts'
import { FixView, fixView } from './views/fix.ts'

const cursor = z
  .string()
  .max(200)
  .refine((text) => parseFixCursor(text) !== undefined, 'is not the `next` of a page')
  .optional()
  .describe('`next` of the page before')

export const fixOperations = [
  operation({
    id: 'listFixes',
    method: 'GET',
    path: '/fixes',
    permission: 'findings.read',
    summary: 'What to fix first: changes, by what they take away',
    query: FixQuery.extend({ cursor, limit: z.coerce.number().int().min(1).max(500).default(20) }),
    response: z.object({ fixes: z.array(FixView), next: z.string().nullable(), freshness: z.string() }),
    run: async ({ falconer, query: { cursor: after, limit, ...query } }) => {
      const filter = await fixFilterOf(falconer, query)
      const { fixes, next } = await listFixes(falconer.db, filter, { cursor: after, limit })
      return { fixes: fixes.map(fixView), next, freshness: await standing(falconer, filter) }
    },
  }),
  operation({
    id: 'getFix',
    method: 'GET',
    path: '/fixes/:fix',
    permission: 'findings.read',
    summary: 'One change: what it takes away, where, and why it is urgent',
    response: FixView,
    run: async ({ falconer: { db }, params }) => {
      const fix = await getFix(db, params.fix ?? '')
      if (fix === undefined) throw new NotFoundError(`There is no fix ${params.fix}: what it took away may be fixed.`)
      return fixView(fix)
    },
  }),
]
