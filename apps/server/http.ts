/**
 * The one HTTP app: ingest, API, pages, live events, behind one front door. Errors are told in our words, as a page to
 * browsers and as problem+json to programs; what is logged of a request is its route, never its address, which may hold a secret.
 */
import { Hono } from 'hono'
import { routePath } from 'hono/route'
import type { StatusCode } from 'hono/utils/http-status'
import { FalconerError } from '../../domain/errors.ts'
import { errorPage } from '../web/error-page.ts'
import { assetRoutes } from '../web/assets.ts'
import { pageRoutes, webRoutes } from '../web/pages.ts'
import { apiRoutes, operations } from './api/api.ts'
import { answerEvents, eventsRoute } from './events.ts'
import type { Falconer } from './falconer.ts'
import { answerHeaders, boundedBody, noNul, otherMethods, ownOrigin } from './front-door.ts'
import { ingestRoute, ingestRoutes } from './ingest.ts'
import { mcpRoutes } from './mcp.ts'
import { oauthRoutes } from './oauth.ts'
import { OverloadedError } from './intake-queue.ts'
import { cutOff, faultOfOurs, type Problem, problemOf } from './problems.ts'
import { type AppContext, type Bindings, type Who, whoAsks } from './who.ts'

export type App = Hono<{ Bindings: Bindings; Variables: { who: Who | null } }>

const apiPath = '/api/v1'
const streams = (path: string): boolean => path.startsWith('/ingest/') || path === `${apiPath}/import`

export function createApp(falconer: Falconer): App {
  const app: App = new Hono()
  app.use('*', answerHeaders(falconer))
  // Before the origin check: a kubelet asks by the pod's address, and learns nothing but that we run.
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.use('*', ownOrigin(falconer), noNul, boundedBody(streams))
  app.route('/ingest', ingestRoutes(falconer))
  app.route('/assets', assetRoutes())
  // Before sessions are looked at: a browser's cookie is nobody's word here.
  app.route('/', oauthRoutes(falconer))
  app.route('/mcp', mcpRoutes(falconer))
  app.post('/slack/events', async (context) => (await falconer.slack?.receive?.(context.req.raw)) ?? context.notFound())
  app.use('*', async (context, next) => {
    context.set('who', await whoAsks(context as AppContext, falconer))
    return next()
  })
  app.route(apiPath, apiRoutes(falconer))
  app.get(eventsRoute.path, (context) => answerEvents(context as AppContext, falconer))
  app.route('/', pageRoutes(falconer))
  app.route('/', otherMethods([...operations.map(({ method, path }) => ({ method, path: apiPath + path })), ...webRoutes, ingestRoute]))
  app.notFound((context) =>
    tell(context as AppContext, falconer, {
      status: 404,
      code: 'not_found',
      title: 'Not found',
      detail: `There is nothing at ${context.req.path.slice(0, 200)}.`,
    }),
  )
  app.onError((error, given) => {
    const context = given as unknown as AppContext
    const gone = context.req.raw.signal.aborted && !(error instanceof FalconerError)
    const problem = gone ? cutOff : (problemOf(error) ?? faultOfOurs)
    if (problem === faultOfOurs) falconer.log.error('request failed', { method: context.req.method, route: routePath(context, -1), error })
    else if (problem.status >= 500 && !(error instanceof OverloadedError))
      falconer.log.warn('request not done', {
        method: context.req.method,
        route: routePath(context, -1),
        status: problem.status,
        error: error.message,
      })
    if (problem === cutOff) falconer.log.debug('request cut off', { method: context.req.method, route: routePath(context, -1) })
    return tell(context, falconer, problem)
  })
  return app
}

async function tell(context: AppContext, falconer: Falconer, problem: Problem): Promise<Response> {
  const { retryAfter, ...shown } = problem
  if (retryAfter !== undefined) context.header('retry-after', String(retryAfter))
  // What is left of a body that nobody reads is cut off: the sender must not send its next request behind it.
  if ([408, 413].includes(problem.status) || problem.status >= 500) context.header('connection', 'close')
  context.status(problem.status as StatusCode)
  const { path } = context.req
  const wantsPage = (context.req.header('accept') ?? '').includes('text/html') && !path.startsWith('/api/') && !path.startsWith('/ingest/')
  if (!wantsPage) {
    context.header('content-type', 'application/problem+json')
    return context.body(JSON.stringify({ type: 'about:blank', ...shown }))
  }
  if (problem.status === 401)
    return context.redirect(context.req.method === 'GET' ? `/sign-in?next=${encodeURIComponent(asked(context))}` : '/sign-in')
  return context.html(errorPage(falconer, context.get('who') ?? null, problem))
}

const asked = (context: AppContext): string => {
  const { pathname, search } = new URL(context.req.url)
  return pathname + search
}
