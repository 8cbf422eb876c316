/** How critical people say a workload is: the label or annotation falconer.dev/criticality of the workload, else of its namespace. */
import { z } from 'zod'

/** Least first. */
export const criticalities = ['low', 'medium', 'high', 'critical'] as const
export const Criticality = z.enum(criticalities)
export type Criticality = z.infer<typeof Criticality>

export const criticalityKey = 'falconer.dev/criticality'

type Labelled = { labels?: unknown; annotations?: unknown } | undefined | null

/** The first of these that has it says it: the pod’s workload before its namespace. A word that is none of the four is not taken for one. */
export function criticalityOf(...objects: Labelled[]): Criticality | undefined {
  for (const object of objects)
    for (const where of [object?.annotations, object?.labels]) {
      const given: unknown = typeof where === 'object' && where !== null ? (where as Record<string, unknown>)[criticalityKey] : undefined
      const read = Criticality.safeParse(typeof given === 'string' ? given.trim().toLowerCase() : undefined)
      if (read.success) return read.data
    }
  return undefined
}
