/** The contract of one API operation: where, who may, what goes in and what comes out. Routes and OpenAPI are both made from it. */
import { z } from 'zod'
import { parseEventTime } from '../../../domain/event-time.ts'
import type { Permission } from '../../../domain/principal.ts'
import type { Falconer } from '../falconer.ts'
import type { Who } from '../who.ts'

type Shape = z.ZodObject
export type Call<Q extends Shape, B extends z.ZodType> = {
  falconer: Falconer
  who: Who
  params: Record<string, string>
  query: z.infer<Q>
  body: z.infer<B>
  stream: ReadableStream<Uint8Array> | null
}

export type Operation<Q extends Shape = Shape, B extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> = {
  id: string
  method: 'GET' | 'POST' | 'DELETE'
  /** With `:name` parameters, below /api/v1. */
  path: string
  permission: Permission
  summary: string
  query?: Q
  body?: B
  response: R
  /** The answer holds a secret that is shown this once: it is not masked. */
  reveals?: boolean
  /** The body is not JSON but a stream of input. */
  streams?: boolean
  run(call: Call<Q, B>): Promise<z.infer<R>>
}

/** Keeps the types of query, body and response together. */
export const operation = <Q extends Shape, B extends z.ZodType, R extends z.ZodType>(given: Operation<Q, B, R>): Operation =>
  given as unknown as Operation

/** An event time in a query: a day, or a moment. Nanoseconds since 1970, within what a record can hold. */
export const EventMoment = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ns = parseEventTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
    if (ns !== undefined && BigInt.asIntN(64, ns) === ns) return ns
    context.addIssue({ code: 'custom', message: 'must be a day or a moment from 1678 to 2262, as 2026-11-25 or 2026-11-25T08:30:00Z' })
    return z.NEVER
  })

/** A row number of ours in a query, e.g. where the page before ended. */
export const RowNumber = z
  .string()
  .regex(/^\d{1,18}$/, 'must be a number')
  .transform(BigInt)
