/** Markdown of our own words, and of text that others wrote: fenced by `quote` before, and here made inert, so that it is no link, image, heading or tag. */
import type { Quoted } from './quoted.ts'

/** Fenced text in Markdown. Every character with a meaning there is escaped. */
export const inert = (text: Quoted): string => text.replaceAll(/[\\`*_{}[\]()#+\-.!|<>~&@:]/g, (character) => `\\${character}`)

export const heading = (level: 1 | 2 | 3, text: string): string => `${'#'.repeat(level)} ${text}`
export const bullets = (lines: readonly string[], none: string): string =>
  lines.length === 0 ? none : lines.map((line) => `- ${line}`).join('\n')
/** Fields and their values, one a line; what is null is left out. */
export const fields = (pairs: Readonly<Record<string, string | number | null>>): string =>
  Object.entries(pairs)
    .flatMap(([name, value]) => (value === null ? [] : [`- **${name}**: ${value}`]))
    .join('\n')
export const document = (...parts: readonly (string | null)[]): string => parts.filter((part) => part !== null && part !== '').join('\n\n')
