/** Runbooks: what a kind of attack is, how to confirm it, contain it, remove it, and what to fix; Markdown files of runbooks/, for people and models. */
import { z } from 'zod'
import { tactics } from '../domain/attack.ts'
import { NotFoundError } from '../domain/errors.ts'
import { readFolder, type Written } from './front-matter.ts'

/** Every runbook has these, in this order. */
export const runbookSections = [
  'What it is',
  'How to confirm',
  'Benign or not',
  'Contain',
  'Eradicate',
  'What to fix',
  'What is not known',
] as const

const Head = z.strictObject({
  title: z.string().min(3),
  summary: z.string().min(20).max(200),
  tactics: z
    .array(z.enum(tactics.map(([id]) => id)))
    .min(1)
    .describe('ATT&CK tactics that it is about'),
  techniques: z.array(z.string().regex(/^T\d{4}(\.\d{3})?$/)).min(1),
  rules: z.array(z.string().min(3)).describe('Falco’s rules it helps with'),
})
export type Runbook = Written<z.output<typeof Head>>

let read: Runbook[] | undefined
export const runbooks = (): readonly Runbook[] => (read ??= readFolder('runbooks', Head))

export type RunbookQuery = { technique?: string | undefined; rule?: string | undefined }

/** Those that help with a technique (a sub-technique counts for its technique, and the other way) or a rule; all where nothing is asked. */
export function runbooksFor({ technique, rule }: RunbookQuery): Runbook[] {
  return runbooks().filter(
    (one) =>
      (technique === undefined || one.techniques.some((id) => sameTechnique(id, technique.toUpperCase()))) &&
      (rule === undefined || one.rules.some((name) => name.toLowerCase() === rule.toLowerCase())),
  )
}
const sameTechnique = (a: string, b: string): boolean => a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)

/** Those that fit an incident, the most fitting first: a rule says more than a technique. */
export function runbooksOfIncident(about: { rules: readonly string[]; techniques: readonly string[] }): Runbook[] {
  const scored = runbooks().map((one) => {
    const rules = one.rules.filter((rule) => about.rules.includes(rule)).length
    const techniques = one.techniques.filter((id) => about.techniques.some((other) => sameTechnique(id, other))).length
    return { one, score: rules * 3 + techniques }
  })
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (a.one.name < b.one.name ? -1 : 1))
    .map(({ one }) => one)
}

/** Throws NotFoundError, which names those there are. */
export function runbookNamed(name: string): Runbook {
  const found = runbooks().find((one) => one.name === name)
  if (found === undefined)
    throw new NotFoundError(
      `There is no runbook of that name. There are: ${runbooks()
        .map((one) => one.name)
        .join(', ')}.`,
    )
  return found
}
