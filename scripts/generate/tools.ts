/** What every tool promises, as a client is told it: docs/reference/tools.md, and a file a tool in test/snapshots/tools, so that a changed contract is seen. */
import { Client } from '@modelcontextprotocol/client'
import { InMemoryTransport } from '@modelcontextprotocol/server'
import { operatorPrincipal } from '../../domain/principal.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { buildServer, scopeOf, type ServerParts } from '../../tools/server.ts'
import { type Tool, type Toolset, toolsets } from '../../tools/tool.ts'
import { code, page, section, table } from './markdown.ts'
import { fieldsOf } from './schema.ts'

export const snapshotFolder = 'test/snapshots/tools'
export type Contract = {
  name: string
  title?: string
  description?: string
  inputSchema: unknown
  outputSchema?: unknown
  annotations?: unknown
}

/** What a client of the whole catalogue is told. Nothing is asked, so nothing is needed to answer with. */
export async function contracts(from: readonly Tool[] = tools): Promise<Contract[]> {
  const context = { principal: operatorPrincipal, channel: 'mcp' } as unknown as ServerParts['context']
  const server = buildServer({ context, choice: { toolsets }, version: '0', failed: () => {}, tools: from })
  const client = new Client({ name: 'generate', version: '0' })
  const [here, there] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(there), client.connect(here)])
  try {
    return (await client.listTools()).tools.map(({ name, title, description, inputSchema, outputSchema, annotations }) => ({
      name,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(annotations === undefined ? {} : { annotations }),
      inputSchema,
      ...(outputSchema === undefined ? {} : { outputSchema }),
    }))
  } finally {
    await client.close()
  }
}

export async function render(): Promise<Record<string, string>> {
  const snapshots = (await contracts()).map((one) => [`${snapshotFolder}/${one.name}.json`, `${JSON.stringify(one, null, 2)}\n`])
  return { ...Object.fromEntries(snapshots), 'docs/reference/tools.md': reference() }
}

const reference = (): string =>
  page(
    'Tools',
    `What a model may ask over MCP, and the one thing it may propose. Nothing here changes a cluster. Each tool belongs to a toolset; a token has a scope a
toolset. A client that chooses no toolsets is told of those that are marked *listed*. How to connect: [mcp.md](../mcp.md).`,
    table(
      ['Tool', 'Toolset', 'Listed', 'Access', 'Permission', 'What it is'],
      tools.map((one) => [code(one.name), one.toolset, one.listed ? 'yes' : 'no', one.access, one.permission, one.title]),
    ),
    ...toolsets.filter((toolset) => tools.some((one) => one.toolset === toolset)).map(toolsetSection),
  )

const toolsetSection = (toolset: Toolset): string =>
  section(`${toolset} (scope ${code(scopeOf(toolset))})`, ...tools.filter((one) => one.toolset === toolset).flatMap(describe))

function describe({ name, description, input }: Tool): string[] {
  const fields = fieldsOf(input)
  return [
    `### ${name}`,
    description,
    fields.length === 0
      ? 'No parameters.'
      : table(
          ['Parameter', 'What it is', 'Value', 'Default'],
          fields.map(({ name: field, about, type, preset, required }) => [
            code(field),
            about,
            type,
            preset ?? (required ? 'required' : ''),
          ]),
        ),
  ]
}
