/**
 * Prompts for a model that has our tools: Markdown files of mcp/, each with what it is for and its arguments. They name tools, never data: what
 * an attacker wrote reaches a model through tools alone, fenced.
 */
import { z } from 'zod'
import { InputError } from '../domain/errors.ts'
import { visible } from '../domain/untrusted.ts'
import { readFolder, readText, type Written } from './front-matter.ts'

/** What an argument can be completed from. */
export const completions = ['incident', 'alert', 'rule', 'namespace', 'finding', 'none'] as const

const Argument = z.strictObject({
  description: z.string().min(10),
  completes: z.enum(completions),
  required: z.boolean().default(false),
  /** Stands in the text where nothing was given. */ otherwise: z.string().optional(),
})
const Head = z.strictObject({
  title: z.string().min(3),
  purpose: z.string().min(20),
  toolset: z.enum(['incidents', 'alerts', 'posture', 'graph', 'rules', 'respond']),
  arguments: z.record(z.string().regex(/^[a-z]+$/), Argument).default({}),
})
export type Prompt = Written<z.output<typeof Head>>

let read: Prompt[] | undefined
export const prompts = (): readonly Prompt[] => (read ??= readFolder('mcp', Head))

const variable = /\{\{([a-z_]+)\}\}/g
const shared: Record<string, string> = { house_rules: 'shared/house-rules.md' }

/** What a text asks for: arguments, and texts that all of them share. */
export const variablesOf = (text: string): string[] => [...new Set([...text.matchAll(variable)].map((found) => found[1] ?? ''))]
export const isShared = (name: string): boolean => name in shared

const verbs = 'add|count|explain|find|get|list|propose|query|set|what'
/** Tools that a text names: words in backticks that begin with a verb of ours. */
export const toolsNamed = (text: string): string[] => [
  ...new Set([...text.matchAll(new RegExp(`\`((?:${verbs})(?:_[a-z]+)+|search)\``, 'g'))].map((found) => found[1] ?? '')),
]

/** The text with its arguments, each on one line and cut. Throws InputError for one that is missing. */
export function renderPrompt(prompt: Prompt, given: Readonly<Record<string, string | undefined>>): string {
  const text = prompt.body.replaceAll(variable, (whole, name: string) => (isShared(name) ? readText(shared[name] ?? '') : whole))
  return text.replaceAll(variable, (_whole, name: string) => {
    const argument = prompt.arguments[name]
    const value = given[name]?.trim()
    if (value !== undefined && value !== '') return visible(value, 300)
    if (argument?.otherwise !== undefined) return argument.otherwise
    throw new InputError(`The prompt ${prompt.name} needs ${name}: ${argument?.description ?? ''}`)
  })
}
