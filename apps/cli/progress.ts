/** Progress of long work on one line of a terminal, rewritten in place; where there is no terminal, nothing. */
import { safe } from './output.ts'

export type Progress = {
  /** Shows this instead of what was shown; at most ten times a second unless it is a new piece of work. */
  say(what: string, more?: string): void
  /** Wipes the line, so that other output starts clean. */
  clear(): void
}
type Terminal = { isTTY?: boolean; columns?: number; write(text: string): unknown }

export function progressOn(terminal: Terminal, now: () => number = () => performance.now()): Progress {
  if (terminal.isTTY !== true) return { say: () => {}, clear: () => {} }
  let last = { what: '', at: Number.NEGATIVE_INFINITY }
  return {
    say: (what, more = '') => {
      if (last.what === what && now() - last.at < 100) return
      last = { what, at: now() }
      const room = (terminal.columns || 80) - 1
      const name = safe(what, 1_000)
      const left = Math.max(10, room - (more === '' ? 0 : more.length + 2))
      // The end of a path says more than its beginning.
      const shown = name.length <= left ? name : `…${name.slice(1 - left)}`
      terminal.write(`\r\u001b[2K${(more === '' ? shown : `${shown}  ${more}`).slice(0, room)}`)
    },
    clear: () => {
      if (last.what !== '') terminal.write('\r\u001b[2K')
      last = { what: '', at: Number.NEGATIVE_INFINITY }
    },
  }
}

export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`
