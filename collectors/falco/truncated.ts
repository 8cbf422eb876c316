/**
 * What falcosidekick cut (handlers.go): of a payload over 4096 bytes each text field over 512 bytes is its first 507 and `[...]`,
 * and so is it inside `output`. A cut inside a character leaves U+FFFD for each byte that remained of it. Pure.
 */
const mark = '[...]'
const keptBytes = 507

const isCut = (value: unknown): value is string => {
  if (typeof value !== 'string' || value.length > keptBytes + mark.length || !value.endsWith(mark)) return false
  const [whole = '', halves = ''] = /^([^]*?)(\ufffd{0,3})$/.exec(value.slice(0, -mark.length))?.slice(1) ?? []
  return Buffer.byteLength(whole) + halves.length === keptBytes
}

/** The names of the fields that were cut, in order; `output` last when one of them is quoted in it. */
export function truncatedFields(fields: Record<string, unknown>, output: unknown): string[] {
  const cut = Object.entries(fields).filter((entry): entry is [string, string] => isCut(entry[1]))
  const quoted = typeof output === 'string' && cut.some(([, value]) => output.includes(value))
  return [...cut.map(([name]) => name), ...(quoted ? ['output'] : [])]
}
