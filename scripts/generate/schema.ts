/** What a zod schema says of its fields, in the words of a reference page. */
import { z } from 'zod'

export type Field = { name: string; about: string; type: string; preset: string | null; required: boolean }

type Json = {
  type?: string
  enum?: unknown[]
  description?: string
  format?: string
  minimum?: number
  maximum?: number
  default?: unknown
}

export function fieldsOf(schema: z.ZodObject): Field[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, json]) => ({
    name,
    about: json.description ?? '',
    type: typeOf(json),
    preset: json.default === undefined ? null : typeof json.default === 'object' ? JSON.stringify(json.default) : String(json.default),
    required: required.includes(name),
  }))
}

const unbounded = Number.MAX_SAFE_INTEGER

function typeOf({ type = 'any', enum: choices, format, minimum, maximum }: Json): string {
  if (choices !== undefined) return choices.map(String).join(', ')
  if (format === 'uri') return 'URL'
  const least = minimum === undefined || minimum === -unbounded ? null : minimum
  const most = maximum === undefined || maximum === unbounded ? null : maximum
  if (least !== null && most !== null) return `${type}, ${least} to ${most}`
  return least === null ? type : `${type}, at least ${least}`
}
