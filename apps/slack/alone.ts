/** Slack’s address over HTTP and nothing else, for `falconer slack serve`: pages, the API and what sources post to are the other server’s. */
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { answerHeaders, boundedBody, ownOrigin } from '../server/front-door.ts'
import type { Falconer } from '../server/falconer.ts'
import { faultOfOurs, problemOf } from '../server/problems.ts'

export function slackAlone(falconer: Falconer): Hono {
  const app = new Hono()
  app.use('*', answerHeaders(falconer))
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.use(
    '*',
    ownOrigin(falconer),
    boundedBody(() => false),
  )
  app.post('/slack/events', async (context) => (await falconer.slack?.receive?.(context.req.raw)) ?? context.notFound())
  app.onError((error, context) => {
    const problem = problemOf(error) ?? faultOfOurs
    if (problem === faultOfOurs) falconer.log.error('request failed', { route: '/slack/events', error })
    return context.json(problem, problem.status as ContentfulStatusCode)
  })
  return app
}
