/** An audit log read as an import reads it, and the same log with something else in it. */
import { collect, type Collected, type CollectOptions } from './collect.ts'

export const readAudit = (text: string, options: CollectOptions = {}): Promise<Collected> => collect(text, { chunk: 777, ...options })

/** All that would be stored of them, as text. */
export const storedText = ({ activities, alerts }: Pick<Collected, 'activities' | 'alerts'>): string =>
  [...activities, ...alerts]
    .map((record) => `${JSON.stringify({ ...record, raw: null, eventNs: null })}${Buffer.from(record.raw).toString()}`)
    .join('\n')

/** One value of the document, somewhere, is another. `at`: how deep and where, from 0 to 1. */
export function damaged(document: unknown, at: readonly number[], value: unknown): unknown {
  const [first, ...rest] = at
  if (first === undefined || document === null || typeof document !== 'object') return value
  const names = Object.keys(document)
  if (names.length === 0) return value
  const name = names[Math.min(names.length - 1, Math.floor(first * names.length))] as string
  const inner = damaged((document as Record<string, unknown>)[name], rest, value)
  return Array.isArray(document) ? document.with(Number(name), inner) : { ...document, [name]: inner }
}
