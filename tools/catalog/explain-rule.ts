import { z } from 'zod'
import { ruleAsLoaded, rulesAsLoaded } from '../../collectors/falco-rules/as-loaded.ts'
import { NotFoundError } from '../../domain/errors.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { Priority } from '../../domain/severity.ts'
import type { Queryable } from '../../store/database.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { Minute } from '../views/finding.ts'
import { Detail, GivenText } from '../views/given.ts'

/** A Falco rule as it is loaded: what it looks for, in full, and what made it so. */
export const explainRuleTool = tool({
  name: 'explain_rule',
  toolset: 'rules',
  title: 'Explain a rule',
  description:
    'The Falco rule behind an alert as Falco holds it once all its files are loaded: condition with macros and lists put in, tags, exceptions, and which file changed what. Use it to say why an alert fired, or before you suggest an exception. It knows only the rules files that were given to Falconer. Not for its alerts (list_alerts). Example: {"rule":"Terminal shell in container"}',
  input: z.object({
    rule: GivenText(500).describe('Its whole name, as alerts tell it'),
    cluster: GivenText(253).optional().describe('Where several clusters have the rule'),
    detail: Detail.describe('full: long conditions to their end'),
  }),
  output: z.object({
    name: Quoted,
    cluster: z.string(),
    source: Quoted.describe('Falco’s own: syscall, k8s_audit, aws_cloudtrail'),
    priority: Priority.nullable(),
    enabled: z.boolean(),
    tags: z.array(Quoted),
    description: Quoted,
    written: Quoted.describe('The condition of its definition, as it stands in the file'),
    condition: Quoted.describe('With its appends and exceptions, names of macros and lists as written'),
    expanded: Quoted.describe('The same with macros and lists put in'),
    output: Quoted,
    exceptions: z.array(Quoted),
    parts: z
      .array(z.object({ file: Quoted, item: z.number(), does: Quoted, loaded: Minute }))
      .describe('What it was made of, its definition first'),
    problems: z.array(Quoted).describe('What Falco would refuse or not understand'),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ rule: name, cluster, detail }, { db }) => {
    const rule = await loaded(db, name, cluster)
    const [long, short, most] = detail === 'full' ? [12_000, 2_000, 50] : [1_500, 300, 4]
    return {
      name: quote(rule.name, 200),
      cluster: rule.scope,
      source: quote(rule.source, 40),
      priority: rule.priority,
      enabled: rule.enabled,
      tags: rule.tags.slice(0, 20).map((tag) => quote(tag, 60)),
      description: quote(rule.desc, short),
      written: quote(rule.written, short * 2),
      condition: quote(rule.condition, short * 3),
      expanded: quote(rule.expanded, long),
      output: quote(rule.output, short),
      exceptions: rule.exceptions.slice(0, most).map((one) => quote(stringifyExact(one), short / 2)),
      parts: rule.parts
        .slice(0, most)
        .map(({ file, item, does, loadedAt }) => ({
          file: quote(file, 100),
          item,
          does: quote(does, 100),
          loaded: loadedAt.toISOString(),
        })),
      problems: rule.problems.slice(0, most).map((one) => quote(one, 160)),
    }
  },
})

/** Throws NotFoundError that names rules whose names have a word of it. */
async function loaded(db: Queryable, name: string, scope?: string): ReturnType<typeof ruleAsLoaded> {
  try {
    return await ruleAsLoaded(db, name, scope)
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    const words = name
      .toLowerCase()
      .split(/\W+/)
      .filter((word) => word.length > 3)
    const { rules } = await rulesAsLoaded(db, scope === undefined ? {} : { scope })
    const shared = (other: string): number => words.filter((word) => other.toLowerCase().includes(word)).length
    const like = rules
      .map((one) => ({ name: one.name, shared: shared(one.name) }))
      .filter((one) => one.shared > 0)
      .sort((a, b) => b.shared - a.shared)
      .slice(0, 6)
    const hint = like.length === 0 ? '' : ` Rules with a like name: ${like.map((one) => quote(one.name, 100)).join(', ')}.`
    throw new NotFoundError(`${error.message}${hint}`, { cause: error })
  }
}
