/** JSON that people and programs send. Postgres takes no NUL in a text, so nothing further in has to think of it. */
import { InputError } from '../../domain/errors.ts'

/** Throws InputError when it is not JSON, or holds a NUL. */
export function readJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new InputError('The body is not JSON.', { cause: error })
  }
  if (/\\u0000/.test(text) && holdsNul(value)) throw new InputError('The body holds a NUL character.')
  return value
}

/** Not by recursion: a megabyte of brackets would exhaust the stack. */
function holdsNul(value: unknown): boolean {
  const left: unknown[] = [value]
  while (left.length > 0) {
    const one = left.pop()
    if (typeof one === 'string' && one.includes('\0')) return true
    if (one !== null && typeof one === 'object') for (const [key, inner] of Object.entries(one)) left.push(key, inner)
  }
  return false
}
