/** Steps of an analyst as people read them: what a tool was asked and what it answered are one line. */
import type { AnalystStep } from './analyst-step.ts'

export type StepLine = {
  number: number
  kind: Exclude<AnalystStep['kind'], 'answered' | 'refused'>
  at: Date
  tool: string | null
  /** Of a model, or of records: never trusted. */ text: string
  /** Of a tool: what came back, null while it has not. */
  answer: { bytes: number | null; ms: number; refused: string | null } | null
}

/** An answer without a question, as one of which only the end was read, is a line of its own. */
export function stepLines(steps: readonly AnalystStep[]): StepLine[] {
  const lines: StepLine[] = []
  for (const { number, at, kind, tool, text, bytes } of steps) {
    if (kind !== 'answered' && kind !== 'refused') {
      lines.push({ number, kind, at, tool, text, answer: null })
      continue
    }
    const asked = lines.find((line) => line.kind === 'asked' && line.tool === tool && line.answer === null)
    const answer = { bytes, ms: asked === undefined ? 0 : at.getTime() - asked.at.getTime(), refused: kind === 'refused' ? text : null }
    if (asked === undefined) lines.push({ number, kind: 'asked', at, tool, text: '', answer })
    else asked.answer = answer
  }
  return lines
}

export const stepWords: Record<Exclude<StepLine['kind'], 'asked'>, string> = {
  began: 'Began',
  said: 'Says',
  drafted: 'Wrote a report',
  mended: 'Mended it',
  stopped: 'Stopped',
  done: 'Done',
}

/** 4.1 KB. */
export const sizeWords = (bytes: number): string =>
  bytes < 1_000 ? `${bytes} B` : bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
/** Under 1 ms, 12 ms, 1.4 s, 12 s, 3 min 20 s. */
export function timeWords(ms: number): string {
  if (ms < 1) return 'under 1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
