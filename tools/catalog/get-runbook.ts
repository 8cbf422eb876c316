import { z } from 'zod'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { type Runbook, runbookNamed, runbooksFor } from '../../prompts/runbook.ts'
import { tool } from '../tool.ts'

/** A runbook to work by. */
export const getRunbookTool = tool({
  name: 'get_runbook',
  toolset: 'incidents',
  title: 'Get a runbook',
  description:
    'One runbook: what the attack is, how to confirm it with these tools, contain, eradicate, what to fix, what cannot be known. Name it, or a technique or Falco rule: then the first that fits is answered, and the others are named. Not for what happened here (get_case_file). Example: {"rule":"Terminal shell in container"}',
  input: z.object({
    name: z.string().max(100).optional().describe('As list_runbooks tells it'),
    technique: z
      .string()
      .regex(/^[Tt]\d{4}(\.\d{3})?$/, 'is not an ATT&CK technique such as T1611')
      .optional(),
    rule: z.string().max(200).optional().describe('The Falco rule’s name, as alerts carry it'),
  }),
  output: z.object({
    name: z.string(),
    title: z.string(),
    version: z.string(),
    techniques: z.array(z.string()),
    rules: z.array(z.string()),
    text: z.string().describe('Markdown'),
    others: z.array(z.string()).describe('That fit too'),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: false,
  run: async ({ name, technique, rule }) => {
    const [first, ...others] = chosen({ name, technique, rule })
    if (first === undefined)
      throw new NotFoundError('No runbook names it. list_runbooks without parameters tells all there are; get one by its name.')
    const { body, title, version, techniques, rules } = first
    return { name: first.name, title, version, techniques, rules, text: body, others: others.map((one) => one.name) }
  },
})

function chosen({
  name,
  technique,
  rule,
}: {
  name?: string | undefined
  technique?: string | undefined
  rule?: string | undefined
}): Runbook[] {
  if (name !== undefined) return [runbookNamed(name)]
  if (technique === undefined && rule === undefined)
    throw new InputError('Give a name, a technique or a rule; list_runbooks tells the names.')
  return runbooksFor({ technique, rule })
}
