/**
 * What every request and answer passes: the headers of every answer, then who may ask at all. A foreign Host (DNS rebinding) or
 * Origin (another site's page) is refused before anything is looked up; a body is bounded before anything reads it.
 */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { MiddlewareHandler } from 'hono/types'
import { InputError } from '../../domain/errors.ts'
import type { Falconer } from './falconer.ts'
import { TooLargeError } from './problems.ts'
import { allowedHosts, baseUrl } from './urls.ts'
import { isSecure } from './who.ts'

/** `formTo`: where else the answer to a form of this page may send the browser. */
export const contentPolicy = (formTo = ''): string =>
  `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'${formTo}; base-uri 'none'; frame-ancestors 'none'`

export const answerHeaders =
  (falconer: Falconer): MiddlewareHandler =>
  async (context, next) => {
    await next()
    const { headers } = context.res
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', contentPolicy())
    headers.set('x-content-type-options', 'nosniff')
    headers.set('referrer-policy', 'same-origin')
    headers.set('cross-origin-opener-policy', 'same-origin')
    headers.set('cross-origin-resource-policy', 'same-origin')
    headers.set('permissions-policy', 'camera=(), microphone=(), geolocation=()')
    if (isSecure(falconer)) headers.set('strict-transport-security', 'max-age=31536000')
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  }

/** Refuses other names and other sites. A request made inside this process has neither. */
export function ownOrigin(falconer: Falconer): MiddlewareHandler {
  const hosts = allowedHosts(falconer)
  return async (context, next) => {
    if ((context.env as { local?: unknown } | undefined)?.local !== undefined) return next()
    const host = (context.req.header('host') ?? '').toLowerCase()
    const name = host.replace(/:\d+$/, '')
    if (!hosts.has(name))
      return refuse(`This server does not answer to the name “${name.slice(0, 100)}”. Add it to FALCONER_ALLOWED_HOSTS if it should.`)
    const origin = context.req.header('origin')
    if (origin !== undefined && !isOwn(origin, host, falconer)) return refuse('A page of another origin may not use this server.')
    return next()
  }
}

/** An origin is ours when it is the public URL's, or exactly the name and port that this request was sent to. */
function isOwn(origin: string, host: string, falconer: Falconer): boolean {
  if (origin === new URL(baseUrl(falconer)).origin) return true
  const [, scheme, rest] = /^(https?):\/\/(.+)$/.exec(origin.toLowerCase()) ?? []
  const onThisMachine = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host)
  return rest === host && (scheme === 'https' || onThisMachine || !isSecure(falconer))
}

const refuse = (detail: string): Response =>
  new Response(JSON.stringify({ type: 'about:blank', title: 'Not allowed', status: 403, code: 'origin', detail }), {
    status: 403,
    headers: { 'content-type': 'application/problem+json' },
  })

/** Nothing here is called by a NUL, and Postgres refuses it. */
export const noNul: MiddlewareHandler = async (context, next) => {
  if (/%00/.test(context.req.url)) throw new InputError('The address holds a NUL character, which nothing here is called by.')
  return next()
}

const maxBodyBytes = 1_048_576
/** For everything but what streams its body and counts for itself. Throws TooLargeError. */
export function boundedBody(streaming: (path: string) => boolean): MiddlewareHandler {
  const bounded = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new TooLargeError(`The body is larger than ${maxBodyBytes} bytes.`)
    },
  })
  return (context, next) => (streaming(context.req.path) ? next() : bounded(context, next))
}

/** After all routes: an address that exists, asked for with a method it does not have, says which it has. */
export function otherMethods(routes: readonly { method: string; path: string }[]): Hono {
  const app = new Hono()
  const byPath = Map.groupBy(routes, (route) => route.path)
  for (const [path, those] of byPath) {
    const allowed = those.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
    app.all(path, (context) => {
      const answer = { type: 'about:blank', title: 'Not so', status: 405, code: 'method', detail: `This address takes ${allowed}.` }
      return context.body(JSON.stringify(answer), 405, { 'content-type': 'application/problem+json', allow: allowed })
    })
  }
  return app
}
