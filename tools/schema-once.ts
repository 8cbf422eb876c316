/**
 * Schemas as the SDK takes them, with their JSON made once: a server is made for each request over HTTP, and to make the JSON of every tool's
 * input and output takes longer than most answers. What is checked is the schema itself, as ever.
 */
import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import type { z } from 'zod'

type Made = StandardSchemaWithJSON<Record<string, unknown>, Record<string, unknown>>
type MakeJson = Made['~standard']['jsonSchema']['input']
const held = new WeakMap<z.ZodObject, Made>()

export function schemaOnce(schema: z.ZodObject): Made {
  const before = held.get(schema)
  if (before !== undefined) return before
  const standard = (schema as unknown as Made)['~standard']
  const { input, output } = standard.jsonSchema
  const made: Made = { '~standard': { ...standard, jsonSchema: { input: once(input), output: once(output) } } }
  held.set(schema, made)
  return made
}

/** By target: the SDK asks for one, and what it is given it copies or only reads. */
function once(make: MakeJson): MakeJson {
  const made = new Map<string, ReturnType<MakeJson>>()
  return (options) => {
    const before = made.get(options.target)
    if (before !== undefined) return before
    const json = frozen(make(options))
    made.set(options.target, json)
    return json
  }
}

/** Whoever would change it changes it for every reader: that must fail. */
function frozen<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) frozen(inner)
  return value
}
