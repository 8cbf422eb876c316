/**
 * MCP over standard input and output, for IDEs. With nobody serving, the questions are answered in this process; else every message is handed to the
 * running server with the local user's token, for one process alone holds the embedded database.
 */
import { StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
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
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport of the SDK has this property and nothing else
  there.onmessage = (answer) => void here.send(answer)
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- nor has this one anything else
  here.onmessage = (message) => {
    const work = there.send(message).catch((error: unknown) => tellFailed(here, message, error))
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
async function tellFailed(here: StdioServerTransport, message: JSONRPCMessage, error: unknown): Promise<void> {
  if (!('id' in message) || !('method' in message)) return
  const unauthorised = error instanceof UnauthorizedError
  const text = unauthorised
    ? 'Falconer does not accept the token: it is unknown, revoked or expired. Run `falconer login` again.'
    : 'Falconer does not answer. Is its server running?'
  await here.send({ jsonrpc: '2.0', id: message.id, error: { code: -32_603, message: text } })
}
