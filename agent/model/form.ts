/** The form of a model's last words: its schema as APIs for structured output take it, and what was handed in. Sizes are kept by whoever reads it. */
import { z } from 'zod'
import { analystPrompt, fillPrompt } from '../../prompts/analyst-prompt.ts'
import type { OpenModel } from './model.ts'

export type Form<T> = {
  name: string
  /** The same bytes in every call, or nothing before it is cached. */ schema: Record<string, unknown>
  /** Undefined: it is not in this form. */ read(text: string): T | undefined
}

export function formOf<T>(name: string, shape: z.ZodType<T>): Form<T> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape)
  return {
    name,
    schema,
    read(text) {
      try {
        // Told in words of the form, many a model puts a fence or its thoughts around it.
        return shape.safeParse(JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))).data
      } catch {
        return undefined
      }
    },
  }
}

/**
 * What asks a provider for it. `closing`: it may call no tool in this turn. vLLM and Ollama let a model call none wherever an answer is held to a form,
 * so elsewhere they are told of it in words (`toldOfForm`).
 */
export function askingFor(
  { provider }: Pick<OpenModel, 'provider'>,
  { name, schema }: Form<unknown>,
  closing: boolean,
): Record<string, unknown> {
  if (provider === 'anthropic') return { outputConfig: { format: { type: 'json_schema', schema } }, cache_control: { type: 'ephemeral' } }
  // Our tools have parameters that may be left out, which OpenAI’s strict form has not: LangChain would say that they are in it.
  return closing ? { response_format: { type: 'json_schema', json_schema: { name, schema, strict: true } }, strict: false } : {}
}

/** After what else it is told. Empty: its provider tells it. */
export const toldOfForm = ({ provider }: Pick<OpenModel, 'provider'>, { schema }: Form<unknown>): string =>
  provider === 'anthropic' ? '' : `\n\n${fillPrompt(analystPrompt('form'), { schema: JSON.stringify(schema) })}`
