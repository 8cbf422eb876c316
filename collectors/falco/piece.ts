/**
 * From bytes that hold a document to the document: as it is, as a quoted cell of a table, or as the text that a shipper of logs
 * wrapped (Docker’s "log", Vector’s "message", journald’s "MESSAGE"). What is none is text to be passed over, or broken. Pure.
 */
import { parseExact } from '../../domain/exact-json.ts'
import type { Piece } from '../collector.ts'
import type { FoundDocument } from '../documents.ts'

const wrapping = ['log', 'message', 'MESSAGE', 'line'] as const
const decoder = new TextDecoder()

export function pieceOf({ kind, bytes, from, quoted, at, reason }: FoundDocument): Piece {
  if (kind === 'broken') return { raw: null, bytes, at, error: reason }
  const own = from === 0 ? bytes : bytes.subarray(from)
  // A cell's closing quote is not the document's.
  const text = quoted ? decoder.decode(own.subarray(0, -1)).replaceAll('""', '"') : decoder.decode(own)
  if (kind === 'text') return passedOver(bytes, at, text)
  let raw: unknown
  try {
    raw = parseExact(text)
  } catch (error) {
    // A brace inside a line of prose opens no document.
    return from > 0
      ? passedOver(bytes, at, text)
      : { raw: null, bytes, at, error: `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}` }
  }
  if (looksLikeAlert(raw)) return { raw, bytes, at, document: { text, bytes: own, alone: from === 0 && !quoted } }
  const line = wrappedLine(raw)
  if (line !== null) return unwrapped(bytes, at, own, line)
  return from > 0 ? { raw: null, bytes, at, skipped: true } : { raw, bytes, at, document: { text, bytes: own } }
}

/** Between alerts there may be any text; what begins like an alert and is cut off or broken is none. */
function passedOver(bytes: Uint8Array, at: string, text: string): Piece {
  return /^[^{]*\{/.test(text.slice(0, 4_096)) && /"(?:output_fields|priority)\\?"+\s*:/.test(text.slice(0, 65_536))
    ? { raw: null, bytes, at, error: 'an alert that is broken, or does not end on its line' }
    : { raw: null, bytes, at, skipped: true }
}

const looksLikeAlert = (raw: unknown): boolean =>
  raw !== null &&
  typeof raw === 'object' &&
  ('rule' in raw || 'Rule' in raw) &&
  ('priority' in raw || 'output' in raw || 'output_fields' in raw)

/** The line of a log that a shipper wrapped into an object of its own; null when it is no such object. */
function wrappedLine(raw: unknown): string | null {
  if (raw === null || typeof raw !== 'object' || 'rule' in raw || 'Rule' in raw || 'specversion' in raw) return null
  for (const name of wrapping) {
    const line = (raw as Record<string, unknown>)[name]
    if (typeof line === 'string') return line
  }
  return null
}

function unwrapped(bytes: Uint8Array, at: string, own: Uint8Array, line: string): Piece {
  const [begin, end] = [line.indexOf('{'), line.lastIndexOf('}') + 1]
  if (begin >= 0 && end > begin) {
    const text = line.slice(begin, end)
    try {
      const raw = parseExact(text)
      if (looksLikeAlert(raw)) return { raw, bytes, at, document: { text, bytes: own } }
    } catch {
      // a brace in a line of text
    }
  }
  return passedOver(bytes, at, line)
}
