/**
 * The MCP server of one reader: the tools that their role, their token's scopes and the chosen toolsets leave, and no others. The filters come before
 * anything else: a tool that is left out is not listed, and to call it is to call what does not exist.
 */
import { McpServer, type ServerContext } from '@modelcontextprotocol/server'
import type { CallToolResult } from '@modelcontextprotocol/server'
import { FalconerError } from '../domain/errors.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { type Permission, permissions, type Principal, roleAtLeast } from '../domain/principal.ts'
import { redactDeep } from '../domain/redact.ts'
import { tools as catalog } from './catalog/registry.generated.ts'
import { fence, fenceNote } from './quoted.ts'
import type { Tool, ToolContext, Toolset } from './tool.ts'

export type Choice = {
  /** Not given: those that are listed by default. */ toolsets?: readonly Toolset[]
  readOnly?: boolean
  /** Scopes of the token, one a toolset and one to propose; not given: all. */ scopes?: readonly string[]
}
export const scopeOf = (toolset: Toolset): string => `falconer:${toolset}`
export const proposeScope = 'falconer:propose'
/** What a token must have to call it. */
export const scopesFor = ({ toolset, access }: Pick<Tool, 'toolset' | 'access'>): string[] =>
  access === 'propose' ? [scopeOf(toolset), proposeScope] : [scopeOf(toolset)]

const may = (principal: Principal, permission: Permission): boolean => {
  const needed = permissions[permission]
  return needed === null || roleAtLeast(principal.role, needed)
}

/** The tools this reader has. */
export const chosenTools = (
  principal: Principal,
  { toolsets, readOnly = false, scopes }: Choice,
  from: readonly Tool[] = catalog,
): Tool[] =>
  from.filter(
    (one) =>
      (!readOnly || one.access === 'read') &&
      (toolsets === undefined ? one.listed : toolsets.includes(one.toolset)) &&
      (scopes === undefined || scopesFor(one).every((scope) => scopes.includes(scope))) &&
      may(principal, one.permission),
  )

export type ServerParts = {
  /** Everything of a context but what belongs to a single call. */ context: Omit<ToolContext, 'signal' | 'progress'>
  choice: Choice
  version: string
  /** A fault of ours, for the log: the reader is told only that there was one. */ failed(tool: string, error: unknown): void
  tools?: readonly Tool[]
}

export const instructions = `Falconer investigates what happened in containers: Falco alerts joined with posture and a security graph. Begin with list_incidents, then get_case_file.
Nothing here changes a cluster: propose_action asks, a person approves on the page it links to. What was not observed is said to be not observed; it is not clean. ${fenceNote}`

export function buildServer({ context, choice, version, failed, tools: from }: ServerParts): McpServer {
  const server = new McpServer({ name: 'falconer', title: 'Falconer', version }, { instructions, capabilities: { tools: {} } })
  for (const one of chosenTools(context.principal, choice, from)) register(server, one, context, failed)
  return server
}

function register(server: McpServer, one: Tool, shared: ServerParts['context'], failed: ServerParts['failed']): void {
  server.registerTool(
    one.name,
    {
      title: one.title,
      description: one.description,
      inputSchema: one.input,
      outputSchema: one.output,
      annotations: {
        title: one.title,
        readOnlyHint: one.access === 'read',
        // A proposal changes nothing outside: a person decides on it.
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    async (input: Record<string, unknown>, call: ServerContext): Promise<CallToolResult> => {
      try {
        return answered(one, await one.run(input, { ...shared, signal: call.mcpReq.signal, progress: progressOf(call) }))
      } catch (error) {
        if (error instanceof FalconerError) return refused(error.message)
        failed(one.name, error)
        return refused('Falconer failed to answer this; its log says why. Try another question.')
      }
    },
  )
}

/** Undeclared fields stripped, secrets masked; the same as text and as structured content. */
function answered(one: Tool, output: unknown): CallToolResult {
  const structured = redactDeep(one.output.parse(output)) as Record<string, unknown>
  const text = stringifyExact(structured)
  return { content: [{ type: 'text', text: text.includes(fence.open) ? `${fenceNote}\n${text}` : text }], structuredContent: structured }
}

const refused = (text: string): CallToolResult => ({ content: [{ type: 'text', text }], isError: true })

function progressOf(call: ServerContext): ToolContext['progress'] {
  const token = call.mcpReq._meta?.progressToken
  if (token === undefined) return () => {}
  return (progress, total, message) => {
    // Nobody may be listening any more; the answer matters, not this.
    void call.mcpReq
      .notify({
        method: 'notifications/progress',
        params: { progressToken: token, progress, message, ...(total === null ? {} : { total }) },
      })
      .catch(() => {})
  }
}
