/** A test build over Streamable HTTP with sessions, as 2025-era clients have them: what is asked back and forth needs one. */
import { randomUUID } from 'node:crypto'
import {
  type EventStore,
  type JSONRPCMessage,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'

/** Answers requests; every session has a server of its own. */
export function sessions(build: () => McpServer): (request: Request) => Promise<Response> {
  const open = new Map<string, WebStandardStreamableHTTPServerTransport>()
  return async (request) => {
    const known = open.get(request.headers.get('mcp-session-id') ?? '')
    if (known !== undefined) return known.handleRequest(request)
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        open.set(id, transport)
      },
      eventStore: eventsInMemory(),
      retryInterval: 100,
    })
    await build().connect(transport)
    return transport.handleRequest(request)
  }
}

function eventsInMemory(): EventStore {
  const kept: { id: string; stream: string; message: JSONRPCMessage }[] = []
  return {
    storeEvent: async (stream, message) => {
      const id = `${stream}_${kept.length}`
      kept.push({ id, stream, message })
      return id
    },
    replayEventsAfter: async (last, { send }) => {
      const at = kept.findIndex(({ id }) => id === last)
      const stream = kept[at]?.stream ?? ''
      for (const { id, message } of kept.slice(at + 1).filter((one) => one.stream === stream)) await send(id, message)
      return stream
    },
  }
}
