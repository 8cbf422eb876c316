/** Listens. A port in use is told with what to do about it. */
import { serve as serveNode } from '@hono/node-server'
import type { AddressInfo } from 'node:net'
import { ConfigError } from '../../domain/errors.ts'
import { noteAddress } from '../../store/embedded.ts'
import type { Falconer } from './falconer.ts'
import { type App, createApp } from './http.ts'
import { baseUrl, notePort } from './urls.ts'

/** `alone`: an app without pages; nothing of ours leads to where it listens. */
export async function listen(
  falconer: Falconer,
  alone?: Pick<App, 'fetch'>,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const { FALCONER_HOST, FALCONER_PORT, FALCONER_DATA, FALCONER_MAX_CONNECTIONS, DATABASE_URL } = falconer.config
  const app = alone ?? createApp(falconer)
  const server = await new Promise<ReturnType<typeof serveNode>>((resolve, reject) => {
    const started = serveNode({ fetch: app.fetch, hostname: FALCONER_HOST, port: FALCONER_PORT, serverOptions }, () => resolve(started))
    started.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new ConfigError(
              `Port ${FALCONER_PORT} on ${FALCONER_HOST} is in use. Stop what uses it, or set FALCONER_PORT (0 picks a free one).`,
              { cause: error },
            )
          : new ConfigError(`Cannot listen on ${FALCONER_HOST}:${FALCONER_PORT}: ${error.message}`, { cause: error }),
      ),
    )
  })
  server.maxConnections = FALCONER_MAX_CONNECTIONS
  server.on('drop', () => falconer.intake.connectionDropped())
  const { port } = server.address() as AddressInfo
  if (alone === undefined) notePort(falconer, port)
  const url = baseUrl(falconer)
  if (DATABASE_URL === undefined) await noteAddress(FALCONER_DATA, url)
  return {
    url,
    port,
    close: async () => {
      falconer.changes.emit('closing')
      await stop(server)
    },
  }
}

/** One kept alive is kept longer than its sender keeps it: closed while a post is on its way, that post would be lost. */
const serverOptions = { keepAliveTimeout: 75_000 }

const patienceMs = 5_000
/** Takes no more connections, lets requests that are under way end (a sender would not send them again), then cuts what is left. */
function stop(server: ReturnType<typeof serveNode>): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => 'closeIdleConnections' in server && server.closeIdleConnections(), 50)
    const cut = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), patienceMs)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(cut)
      resolve()
    })
  })
}
