/**
 * An investigator made of rules that knows nothing of Falconer: it reads what the server says of itself, what tools say they need and are for, and what
 * their answers name. It follows ids: a tool whose parameter is called as the thing is, is given that thing’s id.
 */
export type Told = {
  name: string
  description?: string | undefined
  inputSchema: { properties?: Record<string, unknown>; required?: string[] }
}
export type Given = { structuredContent?: unknown; content: unknown; isError?: boolean }
/** What a client of any generation can do. */
export type Asker = { instructions: string; tools: readonly Told[]; call(name: string, input: Record<string, unknown>): Promise<Given> }
type Call = { tool: string; input: Record<string, unknown>; bytes: number }
export type Investigation = {
  calls: Call[]
  /** By the estimate of four bytes a token. */ tokens: number
  cause: string
  fix: string
  /** What was read of the records that the cause stands on, by what they are. */ evidence: Record<string, unknown>
  reach: unknown
}

type Thing = { [name: string]: unknown }

export async function investigate(asker: Asker): Promise<Investigation> {
  const calls: Call[] = []
  const ask = async (tool: Told | undefined, input: Record<string, unknown>): Promise<Thing> => {
    if (tool === undefined) throw new Error('no tool is for this')
    const { structuredContent, content, isError } = await asker.call(tool.name, input)
    calls.push({ tool: tool.name, input, bytes: Buffer.byteLength(typeof content === 'string' ? content : textOf(content)) })
    if (isError === true) throw new Error(`${tool.name} refused: ${textOf(content)}`)
    return (structuredContent ?? parsed(textOf(content))) as Thing
  }
  // The server says where to begin, and with what to go on.
  const [first, second] = asker.tools.filter(({ name }) => asker.instructions.includes(name)).toSorted(inOrderOf(asker.instructions))
  const listed = await ask(first, {})
  const [noun, thing] = firstListed(listed)
  const found = await ask(second, { [needed(second, noun)]: thing.id })
  const [cause, ...others] = causesIn(found)
  if (cause === undefined) throw new Error('nothing says what the cause is')
  // What the likeliest cause stands on is read, record by record, before it is believed.
  const evidence: Record<string, unknown> = {}
  for (const [kind, id] of recordsIn(cause)) {
    const reader = asker.tools.find((tool) => tool.name.startsWith('get_') && requires(tool, kind))
    if (reader !== undefined && evidence[kind] === undefined) evidence[kind] = await ask(reader, { [needed(reader, kind)]: id })
  }
  // How they came in, how far they could get from there, and what to change.
  const tree = asker.tools.find((tool) => takes(tool, noun) && /which process started/i.test(tool.description ?? ''))
  if (tree !== undefined) evidence.processes = await ask(tree, { [noun]: thing.id })
  const place = placeIn(found)
  const far = asker.tools.find((tool) => requires(tool, 'entity') && /could (?:take|reach|get)/i.test(tool.description ?? ''))
  const reach = place === undefined || far === undefined ? null : await ask(far, { entity: place })
  const fixes = asker.tools.find((tool) => takes(tool, noun) && /(?:do|fix|change) first/i.test(tool.description ?? ''))
  const advised = fixes === undefined ? {} : await ask(fixes, { [noun]: thing.id })
  const fix = textAt(cause, /fix|remed/i) ?? textAt(advised, /change|fix/i) ?? ''
  return {
    calls,
    tokens: Math.round(calls.reduce((sum, { bytes }) => sum + bytes, 0) / 4),
    cause: textAt(cause, /title|text|cause/i) ?? JSON.stringify(others),
    fix,
    evidence,
    reach,
  }
}

export const toldOf = ({ calls, tokens, cause, fix }: Investigation): string =>
  [
    ...calls.map(({ tool, input, bytes }) => `  ${tool} ${JSON.stringify(input)} → ${bytes} bytes`),
    `  ${calls.length} calls, ${tokens} tokens (bytes/4)`,
    `  cause: ${cause}`,
    `  fix: ${fix}`,
  ].join('\n')

const inOrderOf =
  (text: string) =>
  (a: Told, b: Told): number =>
    text.indexOf(a.name) - text.indexOf(b.name)
const takes = ({ inputSchema }: Told, name: string): boolean => name in (inputSchema.properties ?? {})
const requires = (tool: Told, name: string): boolean => tool.inputSchema.required?.length === 1 && tool.inputSchema.required[0] === name
const needed = (tool: Told | undefined, noun: string): string =>
  tool?.inputSchema.required?.find((name) => name === noun || name === 'id') ?? noun

/** The first of what a list lists, and what it is: `incidents` list an incident. */
function firstListed(answer: Thing): [string, Thing] {
  for (const [name, value] of Object.entries(answer))
    if (Array.isArray(value) && value.length > 0 && typeof (value[0] as Thing).id === 'string')
      return [name.replace(/s$/, ''), value[0] as Thing]
  throw new Error('the list is empty')
}

const causesIn = (answer: Thing): Thing[] =>
  Object.entries(answer).flatMap(([name, value]) => (/cause/i.test(name) && Array.isArray(value) ? (value as Thing[]) : []))

/** “finding 01a2… check” names a record and its id. */
const recordsIn = (thing: Thing): [string, string][] =>
  [...JSON.stringify(thing).matchAll(/\b([a-z]+) ([0-9a-f]{8}-[0-9a-f-]{27})\b/g)].map(([, kind = '', id = '']) => [kind, id])

/** The most exact place that is named with an id. */
function placeIn(answer: Thing): string | undefined {
  const places = Object.entries(answer).flatMap(([name, value]) => (/place/i.test(name) && Array.isArray(value) ? (value as Thing[]) : []))
  const one = places.find(({ kind }) => kind === 'pod') ?? places[0]
  return typeof one?.entity === 'string' ? one.entity : undefined
}

/** The first text under such a name, wherever it stands. */
function textAt(value: unknown, name: RegExp): string | undefined {
  if (value === null || typeof value !== 'object') return undefined
  for (const [key, inner] of Object.entries(value)) if (typeof inner === 'string' && name.test(key)) return inner
  for (const inner of Object.values(value)) {
    const found = textAt(inner, name)
    if (found !== undefined) return found
  }
  return undefined
}

const textOf = (content: unknown): string =>
  Array.isArray(content) ? content.map((part: { text?: string }) => part.text ?? '').join('\n') : String(content)
/** The text is JSON, behind a line that may explain it. */
const parsed = (text: string): unknown => JSON.parse(text.slice(text.indexOf('{')))
