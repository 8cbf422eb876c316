/** Operations on baselines. */
import { z } from 'zod'
import { baselineNow } from '../baseline.ts'
import { operation } from './operation.ts'
import { NormalView, normalView } from './views/baseline.ts'

const part = z.string().min(1).max(400).optional()

export const baselineOperations = [
  operation({
    id: 'listBaseline',
    method: 'GET',
    path: '/baseline',
    permission: 'incidents.read',
    summary: 'What is normal where: rule, place and process with how often and on how many days, most frequent first',
    query: z.object({
      scope: part.describe('Only of this cluster'),
      place: part.describe('Part of the place: "shop/checkout"'),
      rule: part.describe('Part of the rule’s name'),
      level: z.enum(['new', 'rare', 'recurring', 'usual']).optional().describe('"usual": what is noise, if anything is'),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    response: z.object({ normal: z.array(NormalView.extend({ scope: z.string() })), whole: z.boolean().describe('False: there are more') }),
    run: async ({ falconer, query }) => {
      const { normal, whole } = await baselineNow(falconer, query)
      return { normal: normal.map((one) => ({ ...normalView(one), scope: one.scope })), whole }
    },
  }),
]
