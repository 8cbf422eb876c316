/** An item of a Falco rules file as it was loaded: what an alert’s rule says, and what it is made of. */
import { z } from 'zod'

export const NewFalcoRule = z.object({
  scope: z.string(),
  contentKey: z.string().describe('SHA-256 over scope, file and the item as written'),
  kind: z.enum(['rule', 'macro', 'list', 'requirement']),
  name: z.string().min(1),
  file: z.string().describe('The rules file it stands in'),
  position: z.number().int().describe('Its place in the file: later items override earlier ones'),
  mode: z.enum(['define', 'append', 'override']),
  item: z.record(z.string(), z.unknown()).describe('As written'),
  /** Of a rule. */
  condition: z.string().nullable(),
  priority: z.string().nullable(),
  source: z.string().nullable(),
  tags: z.array(z.string()),
  enabled: z.boolean().nullable(),
})
export type NewFalcoRule = z.infer<typeof NewFalcoRule>
