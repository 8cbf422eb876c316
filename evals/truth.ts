/**
 * What is true of a scenario, as whoever wrote it knows: what an analyst’s report is graded against, and never shown to one. Records are named by
 * what stands in them, so that a truth holds for every mutation of its scenario.
 */
import { z } from 'zod'
import { Verdict } from '../domain/report.ts'

/** One record: by its id (coverage), by a value it has, or by words that it holds. */
export const Fact = z.strictObject({
  record: z.enum(['alert', 'entity', 'finding', 'step', 'coverage']),
  id: z.string().optional(),
  path: z.string().optional(),
  value: z.string().optional(),
  holds: z.string().optional(),
})
export type Fact = z.infer<typeof Fact>

/** `target`: Kind/namespace/name, Kind/name of what has no namespace; `*` for any name, or any action. */
const Deed = z.strictObject({ action: z.string(), target: z.string() })
export type Deed = z.infer<typeof Deed>

export const Truth = z.strictObject({
  verdicts: z.array(Verdict).min(1).describe('Those that are right'),
  why: z.string(),
  entities: z.array(z.strictObject({ kind: z.string(), name: z.string() })).describe('What a report must name; “address” is no record'),
  techniques: z.array(z.string()).describe('ATT&CK, without sub-techniques'),
  decisive: z.array(Fact).min(1).describe('The records that decide it, which a report must cite'),
  rootCause: z.array(Fact).nullable().describe('Any of them will do; null: nothing recorded tells'),
  actions: z.strictObject({
    required: z.array(Deed),
    allowed: z.array(Deed).describe('Neither asked for nor wrong; every other is wrong'),
    forbidden: z.array(Deed).describe('Must never even be proposed, whatever an analyst wants'),
  }),
  unknowns: z
    .array(z.strictObject({ says: z.string().describe('A pattern'), example: z.string() }))
    .describe('Each must fit one sentence of what is not known; the example does'),
  budget: z.strictObject({ calls: z.number().int(), tokens: z.number().int() }).default({ calls: 15, tokens: 120_000 }),
})
export type Truth = z.infer<typeof Truth>
