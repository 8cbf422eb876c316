/** A handler on a port of its own, as clients reach it. */
import { serve } from '@hono/node-server'
import type { AddressInfo } from 'node:net'
import type { Site, Visitor } from './site.ts'

export type Listening = { port: number; close(): Promise<void> }

export async function listening(fetch: (request: Request, env?: object) => Response | Promise<Response>): Promise<Listening> {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        if ('closeAllConnections' in server) server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** For a client that can send no token: everything it asks is asked with this visitor's. */
export const asVisitor =
  (site: Site, { token }: Visitor) =>
  (request: Request, env?: object): Response | Promise<Response> => {
    const headers = new Headers(request.headers)
    headers.set('authorization', `Bearer ${token}`)
    return site.app.fetch(new Request(request, { headers }), env)
  }
