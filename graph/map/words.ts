/** Words on a map. What records say is untrusted: secrets masked, nothing invisible, cut in the middle so that both ends of a name are seen. */
import type { EntityKind } from '../../domain/entity.ts'
import { redact } from '../../domain/redact.ts'
import { visible } from '../../domain/untrusted.ts'

export const said = (text: string, limit = 300): string => visible(redact(text), limit)

/** At most so many columns; a character beyond ASCII may be as wide as two. */
export function fitted(text: string, columns: number): string {
  const characters = Array.from(said(text, Number.MAX_SAFE_INTEGER))
  if (columnsOf(characters.join('')) <= columns) return characters.join('')
  const taken = (from: readonly string[], room: number): number => {
    let at = 0
    for (let used = 0; at < from.length && used + columnsOf(from[at] ?? '') <= room; at += 1) used += columnsOf(from[at] ?? '')
    return at
  }
  const head = taken(characters, Math.ceil((columns - 1) / 2))
  const tail = taken(characters.toReversed(), Math.floor((columns - 1) / 2))
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - tail).join('')}`
}

export const columnsOf = (text: string): number => {
  let columns = 0
  for (const character of text) columns += character <= '\u{17f}' || character === '…' ? 1 : 2
  return columns
}

const plurals: Partial<Record<EntityKind, string>> = {
  network_policy: 'network policies',
  identity: 'identities',
  ingress: 'ingresses',
  process: 'processes',
  internet: 'internets',
  cve: 'CVEs',
}
export const kindWords = (kind: EntityKind, count = 1): string => {
  const word = kind === 'cve' ? 'CVE' : kind.replaceAll('_', ' ')
  return count === 1 ? word : (plurals[kind] ?? `${word}s`)
}

/** In an order that hangs on nothing but the texts: no locale. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
