/** The audit log, newest first; the chain is verified when asked. */
import { isRowNumber } from '../../../domain/ids.ts'
import { listAudit, verifyAudit } from '../../../store/audit.ts'
import { auditPage } from '../audit-page.ts'
import { page, type WebRoute } from '../route.ts'

export const auditRoutes: readonly WebRoute[] = [
  page('/audit', 'audit.read', async ({ falconer, who, query }) => {
    const before = query('before')
    const entries = await listAudit(falconer.db, {
      limit: 100,
      ...(before !== undefined && isRowNumber(before) ? { before: BigInt(before) } : {}),
    })
    return auditPage(falconer, who, entries, query('verify') === '1' ? await verifyAudit(falconer.db) : null)
  }),
]
