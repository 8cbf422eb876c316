/** What the conformance suite asks a test build for: its example tools, resources and prompts, added to a server of ours. */
import { completable, fromJsonSchema, type McpServer, ResourceTemplate, type ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
const wav = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA='
const text = (said: string) => ({ type: 'text' as const, text: said })
const says = (said: string) => ({ content: [text(said)] })
const image = { type: 'image' as const, data: png, mimeType: 'image/png' }
const embedded = (uri: string, mimeType: string, said: string) => ({ type: 'resource' as const, resource: { uri, mimeType, text: said } })
const pause = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 50)
  })

export function addFixtures(server: McpServer): void {
  server.server.registerCapabilities({ logging: {}, resources: { subscribe: true }, completions: {} })
  addContents(server)
  addConversations(server)
  addResources(server)
  addPrompts(server)
}

function addContents(server: McpServer): void {
  const none = z.object({})
  const answers = {
    test_simple_text: () => says('This is a simple text response for testing.'),
    test_image_content: () => ({ content: [image] }),
    test_audio_content: () => ({ content: [{ type: 'audio' as const, data: wav, mimeType: 'audio/wav' }] }),
    test_embedded_resource: () => ({
      content: [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
    }),
    test_multiple_content_types: () => ({
      content: [
        text('Multiple content types test:'),
        image,
        embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
      ],
    }),
    test_error_handling: () => ({ isError: true, ...says('This tool intentionally returns an error for testing') }),
  }
  for (const [name, answer] of Object.entries(answers))
    server.registerTool(name, { description: `${name} of the conformance suite`, inputSchema: none }, async () => answer())
  const address = { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } }
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { address },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  } as const
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Tool with JSON Schema 2020-12 features', inputSchema: fromJsonSchema(schema as never) },
    async () => says('ok'),
  )
}

/** What goes back and forth while a tool is called; 2025-era clients are asked directly. */
function addConversations(server: McpServer): void {
  const add = (
    name: string,
    inputSchema: z.ZodObject,
    run: (input: Record<string, string>, call: ServerContext) => Promise<string>,
  ): void => {
    server.registerTool(name, { description: `${name} of the conformance suite`, inputSchema }, async (input, call) =>
      says(await run(input as Record<string, string>, call)),
    )
  }
  add('test_tool_with_logging', z.object({}), async (_input, { mcpReq }) => {
    for (const said of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await mcpReq.log('info', said)
      await pause()
    }
    return 'logged'
  })
  add('test_tool_with_progress', z.object({}), async (_input, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
      await pause()
    }
    return 'done'
  })
  add('test_reconnection', z.object({}), async (_input, { http }) => {
    http?.closeSSE?.()
    await pause()
    return 'still here'
  })
  add('test_sampling', z.object({ prompt: z.string() }), async ({ prompt }, { mcpReq }) => {
    const { content } = await mcpReq.requestSampling({ messages: [{ role: 'user', content: text(prompt ?? '') }], maxTokens: 100 })
    return `LLM response: ${JSON.stringify(content)}`
  })
  const asks = (message: string, properties: object, required: string[] = []) => ({
    mode: 'form' as const,
    message,
    requestedSchema: { type: 'object' as const, properties: properties as never, required },
  })
  const person = {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  }
  add('test_elicitation', z.object({ message: z.string() }), async ({ message }, { mcpReq }) => {
    const { action, content } = await mcpReq.elicitInput(asks(message ?? '', person, ['username', 'email']))
    return `User response: <action: ${action}, content: ${JSON.stringify(content)}>`
  })
  for (const [name, properties] of Object.entries({ test_elicitation_sep1034_defaults: defaults, test_elicitation_sep1330_enums: enums }))
    add(name, z.object({}), async (_input, { mcpReq }) => {
      const { action, content } = await mcpReq.elicitInput(asks('Please fill in', properties))
      return `Elicitation completed: action=${action}, content=${JSON.stringify(content)}`
    })
}

const defaults = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}
const options = ['option1', 'option2', 'option3']
const titled = ['First', 'Second', 'Third'].map((title, index) => ({ const: `value${index + 1}`, title: `${title} Option` }))
const enums = {
  untitledSingle: { type: 'string', enum: options },
  titledSingle: { type: 'string', oneOf: titled },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
  untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
  titledMulti: { type: 'array', items: { anyOf: titled } },
}

function addResources(server: McpServer): void {
  const staticText = 'This is the content of the static text resource.'
  server.registerResource('static-text', 'test://static-text', { mimeType: 'text/plain' }, async ({ href }) => ({
    contents: [{ uri: href, mimeType: 'text/plain', text: staticText }],
  }))
  server.registerResource('static-binary', 'test://static-binary', { mimeType: 'image/png' }, async ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: png }],
  }))
  server.registerResource('watched', 'test://watched-resource', {}, async ({ href }) => ({ contents: [{ uri: href, text: 'watched' }] }))
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
  server.registerResource('template', template, { mimeType: 'application/json' }, async ({ href }, { id }) => ({
    contents: [
      { uri: href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }) },
    ],
  }))
  server.server.setRequestHandler('resources/subscribe', async () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', async () => ({}))
}

function addPrompts(server: McpServer): void {
  const user = <T>(content: T) => ({ role: 'user' as const, content })
  server.registerPrompt('test_simple_prompt', { description: 'simple' }, () => ({
    messages: [user(text('This is a simple prompt for testing.'))],
  }))
  const words = completable(z.string(), (value) => ['paris', 'park', 'party'].filter((word) => word.startsWith(value)))
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'with arguments', argsSchema: z.object({ arg1: words, arg2: z.string() }) },
    ({ arg1, arg2 }) => ({ messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))] }),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'with a resource', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({
      messages: [
        user(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
        user(text('Please process the embedded resource above.')),
      ],
    }),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'with an image' }, () => ({
    messages: [user(image), user(text('Please analyze the image above.'))],
  }))
}
