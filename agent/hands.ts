/** An analyst's hands: the tools of MCP over a transport within this process. What an IDE can ask is what an analyst can ask, and no more. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { JsonSchemaValidatorResult, jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { InMemoryTransport } from '@modelcontextprotocol/server'
import { buildServer, type ServerParts } from '../tools/server.ts'

/** `text` is what a model reads, attackers' words fenced; `isError`: the tool refused, in words of ours. */
export type HandAnswer = { text: string; structured: unknown; isError: boolean }

export interface Hands {
  /** Connected; of the maintenance line, which LangChain's adapter takes. */
  readonly client: Client
  call(name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<HandAnswer>
  close(): Promise<void>
}

/** As longest question of a tool there is. */
const longestMs = 60_000

/** Tools check what they answer themselves. Compiling their schemas for each pair of hands was half of what an investigation took beside its model. */
const checkedByTools: jsonSchemaValidator = {
  getValidator:
    <T>() =>
    (input: unknown): JsonSchemaValidatorResult<T> => ({ valid: true, data: input as T, errorMessage: undefined }),
}

export async function connectHands(parts: ServerParts): Promise<Hands> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const server = buildServer(parts)
  await server.connect(ours)
  const client = new Client({ name: 'falconer-analyst', version: parts.version }, { jsonSchemaValidator: checkedByTools })
  await client.connect(theirs as Transport)
  return {
    client,
    async call(name, args, signal) {
      const answer = await client.callTool({ name, arguments: args }, undefined, {
        timeout: longestMs,
        ...(signal === undefined ? {} : { signal }),
      })
      const content = Array.isArray(answer.content) ? (answer.content as { type: string; text?: string }[]) : []
      return {
        text: content.flatMap(({ text }) => text ?? []).join('\n'),
        structured: answer.structuredContent ?? null,
        isError: answer.isError === true,
      }
    },
    async close() {
      await client.close()
      await server.close()
    },
  }
}
