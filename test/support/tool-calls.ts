/** A tool called as the server calls it: input read by its schema, output stripped to what it declares; and what that costs its reader. */
import type { Clock } from '../../domain/clock.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { redactDeep } from '../../domain/redact.ts'
import type { Database } from '../../store/database.ts'
import type { Tool, ToolContext } from '../../tools/tool.ts'

export type Answer = { output: Record<string, unknown>; text: string; bytes: number }

/** For tools that ask records alone: neither the graph nor responses are there. */
export const recordsContext = (db: Database, clock: Clock): ToolContext =>
  ({
    db,
    clock,
    principal: operatorPrincipal,
    channel: 'mcp',
    pages: 'https://falconer.example.org',
    signal: new AbortController().signal,
    progress: () => {},
  }) as unknown as ToolContext

export async function callTool(tool: Tool, input: Record<string, unknown>, context: ToolContext): Promise<Answer> {
  const output = redactDeep(tool.output.parse(await tool.run(tool.input.parse(input), context))) as Answer['output']
  const text = stringifyExact(output)
  return { output, text, bytes: Buffer.byteLength(text) }
}
