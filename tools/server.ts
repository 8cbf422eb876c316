/**
 * The MCP server of one reader: the tools that their role, their token's scopes and the chosen toolsets leave, and no others. The filters come before
 * anything else: a tool that is left out is not listed, and to call it is to call what does not exist.
 */
import { McpServer, type ServerContext } from '@modelcontextprotocol/server'
import type { CallToolResult } from '@modelcontextprotocol/server'
import { FalconerError } from '../domain/errors.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Principal } from '../domain/principal.ts'
import { redact, redactDeep } from '../domain/redact.ts'
import { answerOrAsk, askOf } from './ask.ts'
import { tools as catalog } from './catalog/registry.generated.ts'
import { type Choice, mayUse, readsOf } from './choice.ts'
import { fence, fenceNote } from './quoted.ts'
import type { ReaderContext } from './resource.ts'
import { schemaOnce } from './schema-once.ts'
import { registerPrompts } from './serve-prompts.ts'
import { registerResources } from './serve-resources.ts'
import type { Tool, ToolContext } from './tool.ts'

export { type Choice, proposeScope, scopeOf, scopesFor } from './choice.ts'

/** The tools this reader has. */
export const chosenTools = (principal: Principal, choice: Choice, from: readonly Tool[] = catalog): Tool[] =>
  from.filter((one) => mayUse(principal, choice, one))

export type ServerParts = {
  /** Everything of a context but what belongs to a single call. */ context: ReaderContext
  choice: Choice
  version: string
  /** A fault of ours, for the log: the reader is told only that there was one. */ failed(tool: string, error: unknown): void
  /** Changes of resources can be told on this connection. */ watching?: boolean
  tools?: readonly Tool[]
}

export const instructions = `Falconer investigates what happened in containers: Falco alerts joined with posture and a security graph. Begin with list_incidents, then get_case_file.
Nothing here changes a cluster: propose_action asks, a person approves on the page it links to. What was not observed is said to be not observed; it is not clean. ${fenceNote}`

/** Other tools name some that this reader does not have: a model should know why it cannot find them. */
const instructionsFor = ({ toolsets }: Choice): string =>
  toolsets === undefined
    ? `${instructions}\nA tool that is named and not there belongs to what is listed only where toolsets are chosen (falconer mcp --toolsets graph,respond; over HTTP /mcp?toolsets=graph,respond): tell the person.`
    : instructions

/** Nothing here changes what there is while a reader is connected; what they read does. */
const capabilities = (watching: boolean) => ({
  tools: {},
  prompts: { listChanged: false },
  resources: { listChanged: false, subscribe: watching },
})

export function buildServer({ context, choice, version, failed, watching = false, tools: from }: ServerParts): McpServer {
  const server = new McpServer(
    { name: 'falconer', title: 'Falconer', version },
    { instructions: instructionsFor(choice), capabilities: capabilities(watching) },
  )
  const chosen = chosenTools(context.principal, choice, from)
  for (const one of chosen) register(server, one, { ...context, reads: readsOf(choice) }, failed)
  registerResources(server, context, choice, failed)
  registerPrompts(server, context, choice, new Set(chosen.map(({ name }) => name)), failed)
  return server
}

function register(
  server: McpServer,
  one: Tool,
  shared: ServerParts['context'] & Pick<ToolContext, 'reads'>,
  failed: ServerParts['failed'],
): void {
  server.registerTool(
    one.name,
    {
      title: one.title,
      description: one.description,
      inputSchema: schemaOnce(one.input),
      outputSchema: schemaOnce(one.output),
      annotations: {
        title: one.title,
        readOnlyHint: one.access === 'read',
        // A proposal changes nothing outside: a person decides on it.
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    async (input: Record<string, unknown>, call: ServerContext) => {
      const { signal } = call.mcpReq
      const ask = askOf(call, server.server.getClientCapabilities())
      const context = { ...shared, signal, progress: progressOf(call), ...(ask === undefined ? {} : { ask }) }
      try {
        return await answerOrAsk(async () => answered(one, await one.run(input, context)))
      } catch (error) {
        if (error instanceof FalconerError) return refused(redact(error.message))
        // Nobody waits for it any more: a cut-off question is no fault.
        if (!signal.aborted) failed(one.name, error)
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
