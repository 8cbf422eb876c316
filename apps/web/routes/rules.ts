/** A rule of Falco’s, as an alert’s page links to it. */
import { ruleAsLoaded } from '../../../collectors/falco-rules/as-loaded.ts'
import { page, type WebRoute } from '../route.ts'
import { rulePage } from '../rule-page.ts'

export const ruleRoutes: readonly WebRoute[] = [
  page('/rules/:rule', 'incidents.read', async ({ falconer, who, param, query }) =>
    rulePage(falconer, who, await ruleAsLoaded(falconer.db, param('rule'), query('scope') || undefined)),
  ),
]
