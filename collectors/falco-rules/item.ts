/**
 * What an item of a rules file may be. Read without YAML’s guesses: every scalar is text, as Falco reads it (a list’s `0777` or `1.10`
 * stays what was written); only Falco’s own switches become booleans. Does not say whether an item fits the items before it.
 */
import { type ZodType, z } from 'zod'
import type { NewFalcoRule } from '../../domain/falco-rule.ts'

const words: Readonly<Record<string, boolean>> = { y: true, yes: true, true: true, on: true, n: false, no: false, false: false, off: false }
const Flag = z.preprocess((value) => (typeof value === 'string' ? (words[value.toLowerCase()] ?? value) : value), z.boolean())
const Count = z.preprocess((value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value), z.number())
/** A key that is written without a value says nothing. */
const orNothing = <T>(schema: ZodType<T>): ZodType<T | undefined> =>
  z.preprocess((value) => (value === '' || value === null ? undefined : value), schema.optional())
const Name = z.string('it has no name').min(1, 'it has no name').max(500, 'a name is at most 500 characters')

const OneOrMore = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], 'a field or a list of them')
export const Exception = z.looseObject({
  name: Name,
  fields: orNothing(OneOrMore),
  comps: orNothing(OneOrMore),
  values: orNothing(z.array(z.union([z.string(), z.array(z.union([z.string(), z.array(z.string())]))]))),
})
export type Exception = z.infer<typeof Exception>

const Override = orNothing(z.record(z.string(), z.enum(['append', 'replace'])))
const shared = { append: orNothing(Flag), override: Override }
export const Rule = z.looseObject({
  rule: Name,
  desc: z.string().optional(),
  condition: z.string().optional(),
  output: z.string().optional(),
  priority: z.string().optional(),
  source: orNothing(z.string()),
  tags: orNothing(z.array(z.string())),
  enabled: orNothing(Flag),
  exceptions: orNothing(z.array(Exception)),
  warn_evttypes: orNothing(Flag),
  'skip-if-unknown-filter': orNothing(Flag),
  capture: orNothing(Flag),
  capture_duration: orNothing(Count),
  ...shared,
})
export type Rule = z.infer<typeof Rule>
export const Macro = z.looseObject({ macro: Name, condition: z.string('it has no condition').min(1, 'it has no condition'), ...shared })
export const List = z.looseObject({ list: Name, items: orNothing(z.array(z.string())), ...shared })

const Plugin = z.looseObject({ name: Name, version: z.string().min(1) })
const EngineVersion = z.looseObject({
  required_engine_version: z.string().regex(/^\d+(\.\d+){0,2}([-+][\w.+-]+)?$/, 'neither a number nor a version such as 0.57.0'),
})
const PluginVersions = z.looseObject({ required_plugin_versions: z.array(Plugin.extend({ alternatives: orNothing(z.array(Plugin)) })) })
const Unknown = z.record(z.string(), z.unknown(), 'an item of a rules file is a mapping')

export type Item = Record<string, unknown>
const schemas: Readonly<Record<string, ZodType<Item>>> = {
  required_engine_version: EngineVersion,
  required_plugin_versions: PluginVersions,
  list: List,
  macro: Macro,
  rule: Rule,
}
/** By the key that says what it is; in Falco’s order, where there are two. */
const namingKey = (raw: unknown): string | undefined =>
  raw !== null && typeof raw === 'object' ? Object.keys(schemas).find((key) => key in raw) : undefined
export const schemaOf = (raw: unknown): ZodType<Item> => schemas[namingKey(raw) ?? ''] ?? Unknown

/** Undefined: none that Falco knows. */
export function kindAndName(item: Item): Pick<NewFalcoRule, 'kind' | 'name'> | undefined {
  const key = namingKey(item)
  if (key === undefined) return undefined
  return key === 'rule' || key === 'macro' || key === 'list' ? { kind: key, name: String(item[key]) } : { kind: 'requirement', name: key }
}

/** What a rule that is defined must have; of an item with none of these that says `enabled`, only that is meant. */
export const requiredOfRule = ['condition', 'output', 'desc', 'priority'] as const
export function modeOf(item: Item): NewFalcoRule['mode'] {
  if (item.append === true) return 'append'
  if (item.override !== undefined) return 'override'
  return 'rule' in item && item.enabled !== undefined && requiredOfRule.every((key) => item[key] === undefined) ? 'override' : 'define'
}
