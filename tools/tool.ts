/**
 * The contract of a tool: one question a model may ask, or one proposal it may make. There is no tool that changes anything: nothing here approves,
 * executes or reverts, and nothing of responses/ that could is within reach (guarantee 2).
 */
import type { z } from 'zod'
import type { Clock } from '../domain/clock.ts'
import type { Channel, Permission, Principal } from '../domain/principal.ts'
import type { HeldGraph } from '../graph/held.ts'
import type { Meaning } from '../knowledge/meaning.ts'
import type { ResponseContext } from '../responses/context.ts'
import type { Database } from '../store/database.ts'

export const toolsets = ['incidents', 'alerts', 'posture', 'graph', 'rules', 'respond'] as const
export type Toolset = (typeof toolsets)[number]

/** What a tool is given. Its principal's role bounds what it sees; `signal` says when nobody waits any more. */
export type ToolContext = {
  db: Database
  clock: Clock
  /** What exact paths are asked of. */ graph: HeldGraph
  /** Search by likeness; not given: by words alone. */ meaning?: Meaning | undefined
  principal: Principal
  channel: Channel
  /** For proposing alone. */ responses: ResponseContext
  /** Where pages are: proposals are approved there. */ pages: string
  /** Whether the token's scopes let it read what this toolset tells. */ reads(toolset: Toolset): boolean
  signal: AbortSignal
  /** Tells pages that are open, and whoever plans; not given where nobody is to be told. */ changed?(kind: 'incidents' | 'proposals'): void
  /** Says how far a long question is; `total` null: not known. */ progress(done: number, total: number | null, message: string): void
  /**
   * Asks the person at the client; not there where the client cannot. The tool is run again from its start when they have answered, so it asks before
   * it writes. Undefined: they would not say.
   */
  ask?<S extends z.ZodObject>(question: { key: string; message: string; answer: S }): z.output<S> | undefined
}

export interface Tool<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** verb_noun; the file's name with dashes. */
  readonly name: string
  readonly toolset: Toolset
  readonly title: string
  /** When to use it, when not, and an example of a call. */
  readonly description: string
  readonly input: I
  /** What is not declared here does not leave the house. Text of others is `Quoted`. */
  readonly output: O
  /** MCP's hints are derived from it, so that they cannot contradict. */
  readonly access: 'read' | 'propose'
  readonly permission: Permission
  /** Toolsets whose records it tells too: a token needs their scopes beside its own. */
  readonly also?: readonly Toolset[]
  /** Among those listed unless toolsets are chosen. */
  readonly listed: boolean
  run(input: z.output<I>, context: ToolContext): Promise<z.input<O>>
}

/** Keeps the types of input and output together. */
export const tool = <I extends z.ZodObject, O extends z.ZodObject>(given: Tool<I, O>): Tool => given as unknown as Tool
