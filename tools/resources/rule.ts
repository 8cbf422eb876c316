import { z } from 'zod'
import { howToGive, rulesAsLoaded, type RuleNow } from '../../collectors/falco-rules/as-loaded.ts'
import { NotFoundError } from '../../domain/errors.ts'
import { rulesNamed } from '../../store/completions.ts'
import { bullets, document, fields, heading, inert } from '../markdown.ts'
import { Quoted, quote } from '../quoted.ts'
import { resource } from '../resource.ts'

const Loaded = z.object({
  cluster: z.string(),
  enabled: z.boolean(),
  priority: z.string().nullable(),
  source: Quoted,
  tags: z.array(Quoted),
  description: Quoted,
  condition: Quoted.describe('With appends and exceptions, names of macros and lists as written'),
  expanded: Quoted.describe('The same with everything put in'),
  madeBy: z.array(Quoted).describe('Which file did what to it, in the order of loading'),
  loadedAt: z.string(),
  problems: z.array(Quoted),
})

/** Rules of Falco as they are loaded, in each cluster that has them. */
export const ruleResource = resource({
  kind: 'rule',
  toolset: 'rules',
  title: 'Falco rule as loaded',
  description: 'A rule’s condition as Falco holds it once all files are loaded, and which file changed what; for each cluster that has it.',
  by: 'name',
  permission: 'incidents.read',
  output: z.object({ name: Quoted, loaded: z.array(Loaded) }),
  list: async () => [],
  complete: (text, { db }) => rulesNamed(db, text, 100),
  read: async (name, { db }) => {
    const { rules } = await rulesAsLoaded(db, { name })
    if (rules.length === 0) throw new NotFoundError(`Falconer was given no rule of that name; ${howToGive()}`)
    return { name: quote(name, 200), loaded: rules.map(viewOf) }
  },
  markdown: ({ name, loaded }) => document(heading(1, `Falco rule ${inert(name)}`), ...loaded.map(partOf)),
  version: async (name, { db }) => {
    const { rules } = await rulesAsLoaded(db, { name })
    return rules.length === 0 ? undefined : JSON.stringify(rules.map((rule) => [rule.scope, rule.expanded, rule.enabled, loadedAt(rule)]))
  },
})

const loadedAt = (rule: RuleNow): string => new Date(Math.max(0, ...rule.parts.map((part) => part.loadedAt.getTime()))).toISOString()

const viewOf = (rule: RuleNow): z.input<typeof Loaded> => ({
  cluster: rule.scope,
  enabled: rule.enabled,
  priority: rule.priority,
  source: quote(rule.source, 60),
  tags: rule.tags.slice(0, 30).map((tag) => quote(tag, 80)),
  description: quote(rule.desc, 1_000),
  condition: quote(rule.condition, 4_000),
  expanded: quote(rule.expanded, 12_000),
  madeBy: rule.parts.slice(0, 20).map((part) => quote(`${part.file}, item ${part.item}: ${part.does}`, 200)),
  loadedAt: loadedAt(rule),
  problems: rule.problems.slice(0, 20).map((problem) => quote(problem, 300)),
})

const partOf = (one: z.output<typeof Loaded>): string =>
  document(
    heading(2, `In ${one.cluster}`),
    fields({ Enabled: one.enabled ? 'yes' : 'no', Priority: one.priority, Source: inert(one.source), Loaded: one.loadedAt }),
    inert(one.description),
    heading(3, 'Condition'),
    inert(one.condition),
    heading(3, 'Written out in full'),
    inert(one.expanded),
    heading(3, 'Made by'),
    bullets(one.madeBy.map(inert), 'Not recorded.'),
    one.problems.length === 0 ? null : document(heading(3, 'Problems'), bullets(one.problems.map(inert), '')),
  )
