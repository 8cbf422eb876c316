/** Schemas for what others write loosely: a text that may be a number or missing, a list that may be one thing or none. They never refuse. */
import { z } from 'zod'

export const anything = z.unknown().optional()

/** '' when it says nothing. */
export const text = z
  .unknown()
  .optional()
  .transform((value): string =>
    typeof value === 'string'
      ? value
      : typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
        ? String(value)
        : '',
  )

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value])

export const texts = z
  .unknown()
  .optional()
  .transform((value): string[] =>
    asList(value)
      .map((one) => text.parse(one))
      .filter((one) => one !== ''),
  )

/** A part of a document; everything in it empty when there is none. */
export const part = <T extends z.ZodRawShape>(shape: T) =>
  z.preprocess((value) => (value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {}), z.object(shape))

/** Those of a list that are objects. */
export const parts = <T extends z.ZodRawShape>(shape: T) =>
  z.preprocess(
    (value) => asList(value).filter((one) => one !== null && typeof one === 'object' && !Array.isArray(one)),
    z.array(z.object(shape)),
  )

export const record = z
  .unknown()
  .optional()
  .transform((value): Record<string, unknown> =>
    value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {},
  )
