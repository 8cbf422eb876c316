/** Who asks over MCP, and the server that is theirs alone. */
import type { AuthInfo } from '@modelcontextprotocol/server'
import { version } from '../../config/version.ts'
import type { Channel, Principal } from '../../domain/principal.ts'
import type { ReaderContext } from '../../tools/resource.ts'
import { buildServer, type Choice } from '../../tools/server.ts'
import type { Falconer } from './falconer.ts'
import { baseUrl } from './urls.ts'

export type Reader = { principal: Principal; channel: Channel; choice: Choice }
export const readerOf = (auth: AuthInfo | undefined): Reader => auth?.extra?.reader as Reader

export const contextOf = (falconer: Falconer, { principal, channel }: Pick<Reader, 'principal' | 'channel'>): ReaderContext => {
  const { db, clock, graph, responses, meaning } = falconer
  return {
    db,
    clock,
    graph,
    ...(meaning === null ? {} : { meaning }),
    principal,
    channel,
    responses,
    pages: baseUrl(falconer),
    changed: (kind) => falconer.changed(kind),
  }
}

/** A server for one reader: a request over HTTP, a session, a connection over stdio. `watching`: changes can be told there. */
export const serverFor = (falconer: Falconer, reader: Reader, { watching = false } = {}) =>
  buildServer({
    context: contextOf(falconer, reader),
    choice: reader.choice,
    version,
    watching,
    failed: (tool, error) => falconer.log.error('tool failed', { tool, error }),
  })
