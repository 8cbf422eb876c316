/**
 * The items of a rules file, each with the line it begins on. What is no YAML is cut apart at its items, so that one broken item costs
 * only itself. A rules file is small and is read whole.
 */
import { isScalar, isSeq, LineCounter, parseAllDocuments, type ParsedNode, visit } from 'yaml'
import { InputError } from '../../domain/errors.ts'
import type { Piece } from '../collector.ts'

/** Twenty times the largest that Falco ships. */
const maxBytes = 2 * 1024 * 1024
/** Each is looked for in the whole document. */
const mostAliases = 100

export async function* splitItems(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of input) {
    size += part.length
    if (size > maxBytes) throw new InputError(`the rules file is larger than ${maxBytes} bytes; import its parts one by one`)
    parts.push(part)
  }
  let position = 0
  for (const piece of itemsOf(new TextDecoder().decode(Buffer.concat(parts)))) {
    position += 1
    yield { ...piece, path: [position] }
  }
}

function* itemsOf(text: string): Iterable<Piece> {
  const whole = read(text, 1)
  if (!('error' in whole)) return yield* whole.pieces
  const { begins, before } = cutAtItems(text)
  if (begins.length === 0 || before !== null) yield dead(before ?? text, 1, whole.error)
  for (const { text: part, line } of begins) {
    const alone = read(part, line)
    if ('error' in alone) yield dead(part, line, alone.error)
    else yield* alone.pieces
  }
}

/** Never throws, whatever is written: a parser’s surprise is an item that cannot be read. */
function read(text: string, firstLine: number): { pieces: Piece[] } | { error: string } {
  const lineCounter = new LineCounter()
  const lineOf = (offset: number): number => lineCounter.linePos(offset).line + firstLine - 1
  try {
    const documents = parseAllDocuments(text, { schema: 'failsafe', logLevel: 'silent', lineCounter })
    if (!Array.isArray(documents)) return { pieces: [] }
    const pieces: Piece[] = []
    for (const document of documents) {
      const [error] = document.errors
      if (error !== undefined) return { error: `not YAML: ${firstLineOf(error)}` }
      let aliases = 0
      visit(document, { Alias: () => void (aliases += 1) })
      if (aliases > mostAliases) return { error: `it has more than ${mostAliases} aliases` }
      const { contents } = document
      if (isSeq<ParsedNode>(contents)) {
        for (const node of contents.items) {
          const [from, to] = node.range ?? [0, 0]
          const bytes = Buffer.from(text.slice(from, to))
          const at = `line ${lineOf(from)}`
          const nothing = isScalar(node) && node.value === ''
          pieces.push(
            nothing ? { raw: null, bytes, at, skipped: true } : { raw: node.toJS(document, { maxAliasCount: mostAliases }), bytes, at },
          )
        }
      } else if (contents !== null && !(isScalar(contents) && contents.value === '')) {
        const [from, to] = contents.range
        pieces.push(dead(text.slice(from, to), lineOf(from), 'a rules file is a list of items, and this is none'))
      }
    }
    return { pieces }
  } catch (error) {
    return { error: `not YAML: ${error instanceof Error ? firstLineOf(error) : 'unreadable'}` }
  }
}

const firstLineOf = (error: Error): string => (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '').slice(0, 200)
const dead = (text: string, line: number, error: string): Piece => ({
  raw: null,
  bytes: Buffer.from(text.slice(0, 65_536)),
  at: `line ${line}`,
  error,
})

/** Where lines begin an item, by their dash; `before`: what stands before the first of them and is no comment. */
function cutAtItems(text: string): { begins: { text: string; line: number }[]; before: string | null } {
  const lines = text.split(/(?<=\n)/)
  const indent = /^( *)-\s/.exec(lines.find((line) => /^ *-\s/.test(line)) ?? '')?.[1] ?? ''
  const isBegin = (line: string): boolean => line.startsWith(`${indent}-`) && /^\s|^$/.test(line.slice(indent.length + 1))
  const begins: { text: string; line: number }[] = []
  let before = ''
  for (const [index, line] of lines.entries()) {
    if (/^(---|\.\.\.)(\s|$)/.test(line)) continue
    const current = begins.at(-1)
    if (isBegin(line)) begins.push({ text: line, line: index + 1 })
    else if (current === undefined) before += line
    else current.text += line
  }
  return { begins, before: before.split('\n').every((line) => /^\s*(#.*|%.*)?$/.test(line)) ? null : before }
}
