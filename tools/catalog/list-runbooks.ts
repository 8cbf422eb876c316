import { z } from 'zod'
import { runbooksFor } from '../../prompts/runbook.ts'
import { tool } from '../tool.ts'

/** Which runbooks there are, or which fit. */
export const listRunbooksTool = tool({
  name: 'list_runbooks',
  toolset: 'incidents',
  title: 'List runbooks',
  description:
    'Runbooks by name, with what each is about; those for an ATT&CK technique or one of Falco’s rules where you name it. Not for what happened here (get_case_file). Example: {"technique":"T1611"}',
  input: z.object({
    technique: z
      .string()
      .regex(/^[Tt]\d{4}(\.\d{3})?$/, 'is not an ATT&CK technique such as T1611')
      .optional()
      .describe('T1611; a sub-technique finds its technique too'),
    rule: z.string().max(200).optional().describe('The Falco rule’s name, as alerts carry it'),
  }),
  output: z.object({
    runbooks: z.array(z.object({ name: z.string(), title: z.string(), summary: z.string(), techniques: z.array(z.string()) })),
    note: z.string().nullable(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: false,
  run: async ({ technique, rule }) => {
    const found = runbooksFor({ technique, rule })
    const all = runbooksFor({})
    const none = `No runbook names it; that says nothing about the danger. There are: ${all.map(({ name }) => name).join(', ')}.`
    return {
      runbooks: found.map(({ name, title, summary, techniques }) => ({ name, title, summary, techniques })),
      note: found.length === 0 ? none : null,
    }
  },
})
