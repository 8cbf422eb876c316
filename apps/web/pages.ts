/** Every page, form and call, mounted as its room declared it. Nothing is decided here. */
import { Hono } from 'hono'
import type { Falconer } from '../server/falconer.ts'
import type { AppContext } from '../server/who.ts'
import type { WebRoute } from './route.ts'
import { accountRoutes } from './routes/account.ts'
import { auditRoutes } from './routes/audit.ts'
import { chatRoutes } from './routes/chat.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { findingRoutes } from './routes/findings.ts'
import { fixRoutes } from './routes/fix-first.ts'
import { graphRoutes } from './routes/graph.ts'
import { incidentRoutes } from './routes/incidents.ts'
import { letInRoutes } from './routes/let-in.ts'
import { peopleRoutes } from './routes/people.ts'
import { proposalRoutes } from './routes/proposals.ts'
import { ruleRoutes } from './routes/rules.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { slackRoutes } from './routes/slack.ts'
import { spendRoutes } from './routes/spend.ts'
import { sourceRoutes } from './routes/sources.ts'

export const webRoutes: readonly WebRoute[] = [
  ...signInRoutes,
  ...incidentRoutes,
  ...chatRoutes,
  ...findingRoutes,
  ...fixRoutes,
  ...graphRoutes,
  ...ruleRoutes,
  ...proposalRoutes,
  ...sourceRoutes,
  ...clusterRoutes,
  ...peopleRoutes,
  ...accountRoutes,
  ...letInRoutes,
  ...slackRoutes,
  ...auditRoutes,
  ...spendRoutes,
]

export function pageRoutes(falconer: Falconer): Hono {
  const routes = new Hono()
  for (const route of webRoutes) routes.on(route.method, route.path, (context) => route.answer(falconer, context as unknown as AppContext))
  return routes
}
