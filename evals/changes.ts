/** A twin is another scenario with a few values changed: where (a JSON pointer into a file; of lines, the line’s number first) and to what. */
import { InvariantError } from '../domain/errors.ts'

export type Change = { file: string; at: string; to: unknown }

const partsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))

/** Changes a copy. Throws InvariantError when there is nothing at that place: a twin never adds. */
export function changed<T>(document: T, changes: readonly Change[]): T {
  const copy = structuredClone(document)
  for (const { file, at, to } of changes) {
    const parts = partsOf(at)
    const last = parts.pop() ?? ''
    const holder = parts.reduce<unknown>((inner, part) => (inner as Record<string, unknown> | undefined)?.[part], copy)
    if (holder === null || typeof holder !== 'object' || !Object.hasOwn(holder, last))
      throw new InvariantError(`${file} has nothing at ${at} that a twin could change.`)
    Object.assign(holder, { [last]: to })
  }
  return copy
}

/** Every place where two documents differ, as JSON pointers; of a value that is there in only one of them, its own. */
export function differences(a: unknown, b: unknown, at = ''): string[] {
  if (Object.is(a, b)) return []
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object' || Array.isArray(a) !== Array.isArray(b)) return [at]
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return [at]
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return names.flatMap((name) => {
    const [left, right] = [(a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]]
    return differences(left, right, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
  })
}
