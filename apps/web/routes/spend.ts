/** What models cost, a month at a time. */
import { InputError } from '../../../domain/errors.ts'
import { monthAt, monthOf, spendIn } from '../../../store/spend.ts'
import { monthCap } from '../../server/asking.ts'
import { page, type WebRoute } from '../route.ts'
import { spendPage } from '../spend-page.ts'

export const spendRoutes: readonly WebRoute[] = [
  page('/spend', 'incidents.read', async ({ falconer, who, query }) => {
    const now = monthAt(falconer.clock.now())
    const month = monthOf(query('month') ?? now.name)
    if (month === undefined) throw new InputError('A month is written as 2026-11.')
    const before = monthAt(new Date(month.from.getTime() - 1)).name
    const after = month.name < now.name ? monthAt(month.to).name : null
    const spend = await spendIn(falconer.db, month, { limit: 20 })
    return spendPage(falconer, who, { month: month.name, months: { before, after }, spend, cap: await monthCap(falconer) })
  }),
]
