/** Tools asked on somebody's behalf, each question and answer a step that people can follow. What a tool refuses comes back as words of ours. */
import type { AttackStep } from '../../domain/graph.ts'
import type { InUse } from '../../domain/in-use.ts'
import type { Proposal } from '../../domain/proposal.ts'
import type { Report } from '../../domain/report.ts'
import { fence } from '../../tools/quoted.ts'
import type { Hands } from '../hands.ts'
import type { NewStep } from '../../domain/analyst-step.ts'

export type Told<T> = { ok: true; data: T } | { ok: false; text: string }

export type Asking = {
  ask<T>(tool: string, input: Record<string, unknown>): Promise<Told<T>>
  /** What tools tell in words only, as records to cite. */ records: Records
}
/** Read from the store, where the asking person’s role may. */
export type Records = {
  stepsBetween(pairs: readonly { src: string; dst: string }[]): Promise<AttackStep[]>
  /** The newest report of an incident; undefined: nobody has investigated it. */ report(incident: string): Promise<Report | undefined>
  /** The alerts that show packages of these findings in use. */ inUse(findings: readonly string[]): Promise<ReadonlyMap<string, InUse>>
  /** Proposals that wait for a person, the newest first. */ waiting(incident: string | null): Promise<Proposal[]>
}

export function askingWith(
  hands: Hands,
  { tell, signal, records }: { tell(step: NewStep): Promise<void>; signal: AbortSignal; records: Records },
): Asking {
  return {
    records,
    async ask<T>(tool: string, input: Record<string, unknown>): Promise<Told<T>> {
      signal.throwIfAborted()
      const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined && value !== null))
      await tell({ kind: 'asked', tool, text: JSON.stringify(given) })
      const { text, structured, isError } = await hands.call(tool, given, signal)
      await tell({ kind: isError ? 'refused' : 'answered', tool, text: isError ? bare(text) : '', bytes: Buffer.byteLength(text) })
      return isError ? { ok: false, text: bare(text) } : { ok: true, data: structured as T }
    },
  }
}

/** A text of a tool without the marks around what others wrote: where it is shown, it is escaped. */
export const bare = (text: string): string => text.replaceAll(fence.open, '').replaceAll(fence.close, '')
