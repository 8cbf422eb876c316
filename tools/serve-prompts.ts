/** Prompts of one reader: written in the house, filled with what the reader's person typed, and honest about tools this reader does not have. */
import { completable, type McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { shortId } from '../domain/ids.ts'
import { type Prompt, prompts, renderPrompt, toolsNamed } from '../prompts/prompt.ts'
import { alertsBeginning, incidentsTitled, namespacesNamed, rulesNamed } from '../store/completions.ts'
import { type Choice, mayUse } from './choice.ts'
import type { ReaderContext } from './resource.ts'
import { canBeTold, inOurWords } from './serve-resources.ts'

type Failed = (what: string, error: unknown) => void

/** `has`: names of the tools this reader has. */
export function registerPrompts(server: McpServer, reader: ReaderContext, choice: Choice, has: ReadonlySet<string>, failed: Failed): void {
  for (const prompt of prompts())
    if (mayUse(reader.principal, choice, { toolset: prompt.toolset, permission: 'incidents.read' }))
      registerOne(server, prompt, reader, has, failed)
}

function registerOne(server: McpServer, prompt: Prompt, reader: ReaderContext, has: ReadonlySet<string>, failed: Failed): void {
  server.registerPrompt(
    prompt.name,
    {
      title: prompt.title,
      description: prompt.purpose,
      argsSchema: z.object(argumentsOf(prompt, reader, choices(failed))),
      _meta: { 'falconer/version': prompt.version },
    },
    (given) =>
      inOurWords(
        prompt.name,
        async () => ({
          description: `${prompt.title} (version ${prompt.version})`,
          messages: [{ role: 'user' as const, content: { type: 'text' as const, text: withoutTools(prompt, given, has) } }],
        }),
        failed,
      ),
  )
}

type Given = Record<string, string | undefined>
function withoutTools(prompt: Prompt, given: Given, has: ReadonlySet<string>): string {
  const text = renderPrompt(prompt, given)
  const missing = toolsNamed(text).filter((name) => !has.has(name))
  if (missing.length === 0) return text
  return `${text}\n\nYou were not given these tools here: ${missing.join(', ')}. Do without them, and say what could not be asked. (A person can add toolsets to the connection.)`
}

function argumentsOf(prompt: Prompt, reader: ReaderContext, choose: Choose): Record<string, z.ZodType<string | undefined>> {
  return Object.fromEntries(
    Object.entries(prompt.arguments).map(([name, { description, completes, required }]) => {
      const text = z.string().max(500).describe(description)
      const field = completable(text, (typed) => choose(completes, typed ?? '', reader))
      return [name, required ? field : field.optional()]
    }),
  )
}

type Choose = (from: Prompt['arguments'][string]['completes'], typed: string, reader: ReaderContext) => Promise<string[]>
const most = 50

const choices =
  (failed: Failed): Choose =>
  (from, typed, { db }) =>
    inOurWords(
      'completion',
      async () => {
        if (from === 'incident') return (await incidentsTitled(db, typed, most)).map(({ id }) => shortId('incident', id))
        if (from === 'rule') return (await rulesNamed(db, typed, most)).filter(canBeTold)
        if (from === 'namespace') return (await namespacesNamed(db, typed, most)).filter(canBeTold)
        return from === 'alert' ? alertsBeginning(db, typed, most) : []
      },
      failed,
    )
