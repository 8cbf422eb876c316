/**
 * The one HTTP app: ingest, API, pages, live events. Every answer has a strict content security policy; a foreign Host or
 * Origin is refused before anything else; errors are told in our words, as a page to browsers and as problem+json to programs.
 */
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { StatusCode } from 'hono/utils/http-status'
import { InputError } from '../../domain/errors.ts'
import type { Falconer, ChangeKind } from './falconer.ts'
import { apiRoutes } from './api/api.ts'
import { ingestRoutes } from './ingest.ts'
import { problemOf, faultOfOurs, type Problem } from './problems.ts'
import { allowedHosts, baseUrl } from './urls.ts'
import { type AppContext, type Bindings, isSecure, permit, type Who, whoAsks } from './who.ts'
import { assetRoutes } from '../web/assets.ts'
import { errorPage } from '../web/error-page.ts'
import { pageRoutes } from '../web/pages.ts'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

export type App = Hono<{ Bindings: Bindings; Variables: { who: Who | null } }>

export function createApp(falconer: Falconer): App {
  const app: App = new Hono()
  const hosts = allowedHosts(falconer)
  app.use('*', async (context, next) => {
    await next()
    const { headers } = context.res
    headers.set('content-security-policy', policy)
    headers.set('x-content-type-options', 'nosniff')
    headers.set('referrer-policy', 'same-origin')
    headers.set('cross-origin-opener-policy', 'same-origin')
    headers.set('cross-origin-resource-policy', 'same-origin')
    headers.set('permissions-policy', 'camera=(), microphone=(), geolocation=()')
    if (isSecure(falconer)) headers.set('strict-transport-security', 'max-age=31536000')
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  })
  app.use('*', async (context, next) => {
    if (context.env?.local !== undefined) return next()
    const host = (context.req.header('host') ?? '').toLowerCase().replace(/:\d+$/, '')
    if (!hosts.has(host))
      return refuse(`This server does not answer to the name “${host.slice(0, 100)}”. Add it to FALCONER_ALLOWED_HOSTS if it should.`)
    const origin = context.req.header('origin')
    if (origin !== undefined && !sameOrigin(origin, hosts, falconer)) return refuse('A page of another origin may not use this server.')
    return next()
  })
  app.use('*', async (context, next) => {
    if (/%00/.test(context.req.url)) throw new InputError('The address holds a NUL character, which nothing here is called by.')
    return next()
  })
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.route('/ingest', ingestRoutes(falconer))
  app.route('/assets', assetRoutes())
  app.use('*', async (context, next) => {
    context.set('who', await whoAsks(context as AppContext, falconer))
    return next()
  })
  app.route('/api/v1', apiRoutes(falconer))
  app.get('/events', (context) => {
    permit(context.get('who'), 'incidents.read')
    return streamSSE(context, async (stream) => {
      const send = (kind: ChangeKind): void => {
        void stream.writeSSE({ event: 'change', data: kind })
      }
      falconer.changes.on('change', send)
      stream.onAbort(() => {
        falconer.changes.off('change', send)
      })
      while (!stream.aborted && !stream.closed) {
        await stream.writeSSE({ event: 'alive', data: '' })
        await stream.sleep(15_000)
      }
      falconer.changes.off('change', send)
    })
  })
  app.route('/', pageRoutes(falconer))
  app.notFound((context) =>
    tell(context as AppContext, falconer, {
      status: 404,
      code: 'not_found',
      title: 'Not found',
      detail: `There is nothing at ${context.req.path.slice(0, 200)}.`,
    }),
  )
  app.onError((error, context) => {
    const problem = problemOf(error)
    if (problem === null)
      falconer.log.error('request failed', {
        method: context.req.method,
        route: context.req.path.replace(/fls_[\w-]+|fll_[\w-]+/g, '…'),
        error,
      })
    return tell(context as unknown as AppContext, falconer, problem ?? faultOfOurs)
  })
  return app
}

const refuse = (detail: string): Response =>
  new Response(JSON.stringify({ title: 'Not allowed', status: 403, code: 'origin', detail }), {
    status: 403,
    headers: { 'content-type': 'application/problem+json' },
  })

function sameOrigin(origin: string, hosts: ReadonlySet<string>, falconer: Falconer): boolean {
  if (origin === new URL(baseUrl(falconer)).origin) return true
  try {
    const url = new URL(origin)
    return hosts.has(url.hostname.toLowerCase()) && url.port === new URL(baseUrl(falconer)).port
  } catch {
    return false
  }
}

async function tell(context: AppContext, falconer: Falconer, problem: Problem): Promise<Response> {
  if (problem.retryAfter !== undefined) context.header('retry-after', String(problem.retryAfter))
  context.status(problem.status as StatusCode)
  const wantsPage =
    (context.req.header('accept') ?? '').includes('text/html') &&
    !context.req.path.startsWith('/api/') &&
    !context.req.path.startsWith('/ingest/')
  if (!wantsPage) {
    const { retryAfter: _retryAfter, ...shown } = problem
    context.header('content-type', 'application/problem+json')
    return context.body(JSON.stringify({ type: 'about:blank', ...shown }))
  }
  if (problem.status === 401) return context.redirect(`/sign-in?next=${encodeURIComponent(context.req.path)}`)
  return context.html(errorPage(falconer, context.get('who') ?? null, problem))
}
