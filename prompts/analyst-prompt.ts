/** What the analyst with a model is told: Markdown files of analyst/. Their variables are filled by code, never with what an attacker wrote unfenced. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { InvariantError } from '../domain/errors.ts'
import { readFolder, readText, type Written } from './front-matter.ts'
import { variablesOf } from './prompt.ts'

const Head = z.strictObject({ purpose: z.string().min(20), variables: z.record(z.string().regex(/^[a-z_]+$/), z.string().min(10)) })
export type AnalystPrompt = Written<z.output<typeof Head>>

const shared = { house_rules: 'shared/house-rules.md' } as const
let read: AnalystPrompt[] | undefined

/** With the texts that all share in them: the version changes with any byte of those too. */
export const analystPrompts = (): readonly AnalystPrompt[] => (read ??= readFolder('analyst', Head).map(whole))

function whole(prompt: AnalystPrompt): AnalystPrompt {
  const body = Object.entries(shared).reduce((text, [name, file]) => text.replaceAll(`{{${name}}}`, () => readText(file)), prompt.body)
  const version = createHash('sha256').update(prompt.version).update(body).digest('hex').slice(0, 12)
  return { ...prompt, body, version }
}

export function analystPrompt(name: string): AnalystPrompt {
  const found = analystPrompts().find((one) => one.name === name)
  if (found === undefined) throw new InvariantError(`There is no prompts/analyst/${name}.md.`)
  return found
}

/** Throws InvariantError for a variable that is not given, or not asked for. */
export function fillPrompt(prompt: AnalystPrompt, given: Readonly<Record<string, string>>): string {
  const [asked, has] = [variablesOf(prompt.body).toSorted().join(), Object.keys(given).toSorted().join()]
  if (asked !== has)
    throw new InvariantError(`prompts/analyst/${prompt.name}.md asks for ${asked || 'nothing'} and was given ${has || 'nothing'}.`)
  return prompt.body.replaceAll(/\{\{([a-z_]+)\}\}/g, (_whole, name: string) => given[name] ?? '')
}
