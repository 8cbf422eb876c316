/** The form of a model's last words: its schema as APIs for structured output take it, and what was handed in. Sizes are kept by whoever reads it. */
import { z } from 'zod'
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
        return shape.safeParse(JSON.parse(text)).data
      } catch {
        return undefined
      }
    },
  }
}

/** What asks a provider for it. */
export function askingFor({ provider }: Pick<OpenModel, 'provider'>, { name, schema }: Form<unknown>): Record<string, unknown> {
  if (provider === 'anthropic') return { outputConfig: { format: { type: 'json_schema', schema } }, cache_control: { type: 'ephemeral' } }
  return { response_format: { type: 'json_schema', json_schema: { name, schema, strict: true } } }
}
