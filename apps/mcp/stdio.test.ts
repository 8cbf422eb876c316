/** What a person at a client is told when the server they are handed to refuses or is not there. */
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { expect, it } from 'vitest'
import { listening } from '../../test/support/listening.ts'
import { whyFailed } from './stdio.ts'

const failure = async (url: string): Promise<string> => {
  const there = new StreamableHTTPClientTransport(new URL(url))
  await there.start()
  return there.send({ jsonrpc: '2.0', id: 1, method: 'ping' }).then(
    () => 'answered',
    (error: unknown) => whyFailed(error),
  )
}

it.each([
  [401, '{}', /does not accept the token.*falconer login/],
  [
    403,
    '{"error":"insufficient_scope","error_description":"The token does not have the scope for this tool."}',
    /403.*the scope for this tool/,
  ],
  [403, 'no', /403.*may not do it/],
  [404, '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}', /404.*Session not found/],
  [429, '{"title":"Too fast","detail":"This token asks too often. Wait 7 s."}', /^This token asks too often. Wait 7 s.$/],
  [503, '{"detail":"The database does not answer."}', /503.*The database does not answer/],
  [500, '<html>', /500.*its log/],
])('says what a %i is', async (status, body, says) => {
  const { port, close } = await listening(async () => new Response(body, { status, headers: { 'content-type': 'application/json' } }))
  expect(await failure(`http://127.0.0.1:${port}/mcp`)).toMatch(says)
  await close()
})

it('says that nobody answers only where nobody does', async () => {
  const { port, close } = await listening(async () => new Response())
  await close()
  expect(await failure(`http://127.0.0.1:${port}/mcp`)).toBe('Falconer does not answer. Is its server running?')
})
