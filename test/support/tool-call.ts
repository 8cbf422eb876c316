/** A tool called as the server calls it: input by its schema, output stripped and checked by its own, and how many bytes a reader pays for. */
import type { Clock } from '../../domain/clock.ts'
import { operatorPrincipal, type Principal } from '../../domain/principal.ts'
import { tokenPrincipal } from '../../auth/people.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { redactDeep } from '../../domain/redact.ts'
import type { Database } from '../../store/database.ts'
import type { Tool, ToolContext } from '../../tools/tool.ts'
import type { Site, Visitor } from './site.ts'

export async function toolContext(site: Site, as: Visitor = site.people.viewer): Promise<ToolContext> {
  const principal = (await tokenPrincipal(site.falconer.auth, as.token)) as Principal
  const { db, clock, graph, responses } = site.falconer
  const signal = new AbortController().signal
  return {
    db,
    clock,
    graph,
    responses,
    principal,
    channel: 'mcp',
    pages: 'http://localhost',
    reads: () => true,
    signal,
    progress: () => {},
  }
}

/** On any database, for tools that ask records alone: neither the graph nor responses are there. */
export const recordsContext = (db: Database, clock: Clock): ToolContext =>
  ({
    db,
    clock,
    principal: operatorPrincipal,
    channel: 'mcp',
    pages: 'https://falconer.example.org',
    reads: () => true,
    signal: new AbortController().signal,
    progress: () => {},
  }) as unknown as ToolContext

// oxlint-disable-next-line typescript/no-explicit-any -- each test knows what its tool answers
export type Answer = { output: any; bytes: number; text: string }
export async function callTool(tool: Tool, context: ToolContext, input: Record<string, unknown> = {}): Promise<Answer> {
  const output = redactDeep(tool.output.parse(await tool.run(tool.input.parse(input), context)))
  const text = stringifyExact(output)
  return { output: JSON.parse(text), bytes: Buffer.byteLength(text), text }
}
