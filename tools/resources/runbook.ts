import { z } from 'zod'
import { runbookNamed, runbooks } from '../../prompts/runbook.ts'
import { bullets, document, fields, heading } from '../markdown.ts'
import { resource } from '../resource.ts'

/** Runbooks, as they stand in the house. */
export const runbookResource = resource({
  kind: 'runbook',
  toolset: 'incidents',
  title: 'Runbook',
  description: 'What a kind of attack is, how to confirm it, contain it, remove it, and what to fix.',
  by: 'name',
  permission: 'incidents.read',
  output: z.object({
    name: z.string(),
    title: z.string(),
    summary: z.string(),
    version: z.string(),
    techniques: z.array(z.string()),
    rules: z.array(z.string()),
    text: z.string(),
  }),
  list: async () => runbooks().map(({ name, title, summary }) => ({ id: name, title, description: summary })),
  complete: async (text) => runbooks().flatMap(({ name }) => (name.includes(text.toLowerCase()) ? [name] : [])),
  read: async (name) => {
    const { body, ...found } = runbookNamed(name)
    return { ...found, text: body }
  },
  markdown: (one) =>
    document(
      heading(1, one.title),
      one.summary,
      fields({ Techniques: one.techniques.join(', '), Version: one.version }),
      one.text,
      heading(2, 'Falco’s rules it helps with'),
      bullets(one.rules, 'None by name.'),
    ),
  version: async (name) => runbooks().find((one) => one.name === name)?.version,
})
