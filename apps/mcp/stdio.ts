/**
 * MCP over standard input and output, for IDEs. With nobody serving, the questions are answered in this process; else every message is handed to the
 * running server with the local user's token, for one process alone holds the embedded database.
 */
import { SdkHttpError, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import type { JSONRPCMessage, McpServerFactory } from '@modelcontextprotocol/server'
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio'

/** Serves until the client closes its end. */
export async function serveHere(factory: McpServerFactory): Promise<void> {
  serveStdio(factory, { transport: new StdioServerTransport() })
  await new Promise<void>((resolve) => process.stdin.once('close', resolve))
}

/** Hands every message to `url` and every answer back; of what the server keeps between them, this end is the end. */
export async function relay(url: string, token: string): Promise<void> {
  const here = new StdioServerTransport()
  const there = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
  const waiting = new Set<Promise<void>>()
  // A client that is gone cannot be told so: its end of the pipe is closed, and this process ends with it.
  const tell = (message: JSONRPCMessage): Promise<void> => here.send(message).catch(() => {})
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport of the SDK has this property and nothing else
  there.onmessage = (answer) => void tell(answer)
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- nor has this one anything else
  here.onmessage = (message) => {
    const work = there.send(message).catch((error: unknown) => tellFailed(tell, message, error))
    waiting.add(work)
    void work.finally(() => waiting.delete(work))
  }
  await there.start()
  await here.start()
  await new Promise<void>((resolve) => process.stdin.once('close', resolve))
  await Promise.allSettled(waiting)
  // The session of a client of 2025; nobody else will end it soon.
  await there.terminateSession().catch(() => {})
  await there.close()
}

/** Whoever asked is told; what asked for nothing is not answered. */
async function tellFailed(tell: (message: JSONRPCMessage) => Promise<void>, message: JSONRPCMessage, error: unknown): Promise<void> {
  if (!('id' in message) || !('method' in message)) return
  await tell({ jsonrpc: '2.0', id: message.id, error: { code: -32_603, message: whyFailed(error) } })
}

/** What the person at the client can do about it. */
export function whyFailed(error: unknown): string {
  const status = error instanceof UnauthorizedError ? 401 : error instanceof SdkHttpError ? error.status : undefined
  if (status === undefined) return 'Falconer does not answer. Is its server running?'
  if (status === 401) return 'Falconer does not accept the token: it is unknown, revoked or expired. Run `falconer login` again.'
  const said = error instanceof SdkHttpError ? saidIn(error.data.text) : undefined
  if (status === 403)
    return `Falconer refuses this (403): ${said ?? 'the token may not do it, or the server is not reached by its own name.'}`
  if (status === 429) return said ?? 'This token asks too often (429). Wait a little.'
  if (status === 404) return `There is no MCP at this address (404): ${said ?? 'is it that of a Falconer server?'}`
  if (status >= 500) return `Falconer has a fault or cannot work just now (${status}): ${said ?? 'its log says why.'}`
  return `Falconer answered ${status}: ${said ?? 'it does not take this request.'}`
}

/** In the server's words, where it has some: a problem, an OAuth error, or a JSON-RPC error. */
function saidIn(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const body = JSON.parse(text) as { detail?: unknown; error_description?: unknown; error?: { message?: unknown } }
    const said = body.detail ?? body.error_description ?? body.error?.message
    return typeof said === 'string' ? said.slice(0, 300) : undefined
  } catch {
    return undefined
  }
}
