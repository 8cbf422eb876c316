/** Tools asked on somebody's behalf, each question and answer a step that people can follow. What a tool refuses comes back as words of ours. */
import type { AttackStep } from '../../domain/graph.ts'
import type { InUse } from '../../domain/in-use.ts'
import type { Proposal } from '../../domain/proposal.ts'
import type { Report } from '../../domain/report.ts'
import { fence } from '../../tools/quoted.ts'
import type { Hands } from '../hands.ts'
import type { NewStep } from '../../domain/analyst-step.ts'

export type Told<T> = { ok: true; data: T } | { ok: false; text: string }

/** `incident` null: whatever they are about. */
export type DecidedOf = { incident: string | null; since: Date | null }

export type Asking = {
  /** What time it is. */ now: Date
  ask<T>(tool: string, input: Record<string, unknown>): Promise<Told<T>>
  /** What tools tell in words only, as records to cite. */ records: Records
}
/** Read from the store, where the asking person’s role may. */
export type Records = {
  stepsBetween(pairs: readonly { src: string; dst: string }[]): Promise<AttackStep[]>
  /** The newest report of an incident; undefined: nobody has investigated it. */ report(incident: string): Promise<Report | undefined>
  /** The alerts that show packages of these findings in use. */ inUse(findings: readonly string[]): Promise<ReadonlyMap<string, InUse>>
  /** One that holds now, for each of these changes, of those it takes away. */ stepsFixedBy(
    changes: readonly string[],
  ): Promise<AttackStep[]>
  /** The one with the newest alert. */ newestIncident(): Promise<string | undefined>
  /** With an alert since then, the most severe first. */ incidentsSince(at: Date): Promise<{ id: string; began: boolean }[]>
  /** Not closed ones, of whatever cluster. */ incidentsIn(namespace: string): Promise<string[]>
  /** Not closed ones that happened at this entity, by row id. */ incidentsOf(entity: string): Promise<string[]>
  /** A namespace or cluster of that name was ever seen. */ hasPlace(name: string): Promise<boolean>
  /** Proposals that were decided, the newest first, with how often. */ decided(of: DecidedOf): Promise<{ id: string; times: number }[]>
  /** What people decided about an incident, the newest first, and their names. */ decisionsOf(
    incident: string,
  ): Promise<{ id: string; by: string | null; at: Date }[]>
  /** Proposals that wait for a person, the newest first. */ waiting(incident: string | null): Promise<Proposal[]>
}

export function askingWith(
  hands: Hands,
  { tell, signal, records, now }: { tell(step: NewStep): Promise<void>; signal: AbortSignal; records: Records; now: Date },
): Asking {
  return {
    now,
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
