/** How the API shows a rule of Falco’s as it is loaded. */
import { z } from 'zod'
import { Priority } from '../../../../domain/severity.ts'
import type { RuleNow } from '../../../../collectors/falco-rules/as-loaded.ts'
import { date } from './fields.ts'

export const RuleSummary = z.object({
  name: z.string(),
  scope: z.string().describe('The cluster whose files it is loaded from'),
  source: z.string().describe('Falco’s own: syscall, k8s_audit, aws_cloudtrail'),
  priority: Priority.nullable(),
  tags: z.array(z.string()),
  enabled: z.boolean(),
  file: z.string().describe('Where it is defined'),
  changedIn: z.array(z.string()).describe('Files that change it afterwards'),
  problems: z.array(z.string()).describe('What Falco would refuse or not understand'),
})

export const RuleView = RuleSummary.extend({
  desc: z.string(),
  output: z.string(),
  written: z.string().describe('The condition of its definition, as it stands in the file'),
  condition: z.string().describe('With its appends and exceptions; names of macros and lists as written'),
  expanded: z.string().describe('The same with macros and lists put in'),
  exceptions: z.array(z.record(z.string(), z.unknown())),
  unknownMacros: z.array(z.string()).describe('Macros it uses that nobody defines before it'),
  cycles: z.array(z.string()),
  cut: z.boolean().describe('It is too long or too deep to be written out in full'),
  capture: z.boolean(),
  captureDuration: z.number().nullable(),
  parts: z
    .array(
      z.object({
        file: z.string(),
        item: z.number().int().describe('The how manieth of its file'),
        mode: z.enum(['define', 'append', 'override']),
        does: z.string(),
        loadedAt: date,
      }),
    )
    .describe('What it was made of, its definition first'),
})

export const RulesFileView = z.object({ scope: z.string(), file: z.string(), items: z.number().int(), loadedAt: date })

export const ruleView = (rule: RuleNow): z.infer<typeof RuleView> => {
  const files = [...new Set(rule.parts.slice(1).map((part) => part.file))]
  return { ...rule, file: rule.parts[0]?.file ?? '', changedIn: files }
}
export const ruleSummary = (rule: RuleNow): z.infer<typeof RuleSummary> => RuleSummary.parse(ruleView(rule))
