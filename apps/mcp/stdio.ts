/**
 * MCP over standard input and output, for IDEs. With nobody serving, the questions are answered in this process; else every message is handed to the
 * running server with the local user's token, for one process alone holds the embedded database.
 */
import { StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import type { JSONRPCMessage } from '@modelcontextprotocol/server'
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import type { Config } from '../../config/config.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { composeFalconer } from '../server/falconer.ts'
import { serverFor } from '../server/mcp.ts'
import type { Choice } from '../../tools/server.ts'

/** Serves until the client closes its end. */
export async function serveHere(config: Config, choice: Choice): Promise<void> {
  const falconer = await composeFalconer(config, { as: 'command', quietMs: 0 })
  const transport = new StdioServerTransport()
  serveStdio(() => serverFor(falconer, { principal: operatorPrincipal, channel: 'mcp', choice }), { transport })
  await new Promise<void>((resolve) => process.stdin.once('close', resolve))
  await falconer.close()
}

/** Hands every message to `url` and every answer back; the server keeps nothing between them. */
export async function relay(url: string, token: string): Promise<void> {
  const here = new StdioServerTransport()
  const there = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
  const waiting = new Set<Promise<void>>()
  there.onmessage = (answer) => void here.send(answer)
  here.onmessage = (message) => {
    const work = there.send(message).catch((error: unknown) => tellFailed(here, message, error))
    waiting.add(work)
    void work.finally(() => waiting.delete(work))
  }
  await there.start()
  await here.start()
  await new Promise<void>((resolve) => process.stdin.once('close', resolve))
  await Promise.allSettled(waiting)
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
