/** Falco’s rules as it holds them once all files are loaded, cluster by cluster, each with what made it so and what is wrong with it. Nothing is stored here. */
import { type LoadedRule, loadRules } from './expand.ts'
import type { Problem } from './merge.ts'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { toDate } from '../../domain/event-time.ts'
import { redact } from '../../domain/redact.ts'
import type { Queryable } from '../../store/database.ts'
import { type FalcoRule, loadedFalcoRules } from '../../store/falco-rules.ts'

/** What an item of a file did to the rule, in a few words: “defines it”, “appends condition”, “replaces enabled”. */
export type RulePart = { file: string; item: number; mode: FalcoRule['mode']; does: string; loadedAt: Date }
export type RuleNow = Omit<LoadedRule, 'from'> & {
  scope: string
  /** The condition of its definition, as it stands in the file. */ written: string
  parts: RulePart[]
  problems: string[]
}
export type RulesFile = { scope: string; file: string; items: number; loadedAt: Date }
export type RulesNow = {
  rules: RuleNow[]
  files: RulesFile[]
  /** Of lists, macros and rules that did not come about. */ problems: string[]
}

/** `scope`: of this cluster only. `name`: this rule alone is written out, of all that count. */
export async function rulesAsLoaded(db: Queryable, { scope, name }: { scope?: string; name?: string } = {}): Promise<RulesNow> {
  const clusters = [...Map.groupBy(await loadedFalcoRules(db, { scope }), (item) => item.scope).values()]
  const each = clusters.map((items) => ofCluster(items, name))
  return { rules: each.flatMap((one) => one.rules), files: each.flatMap((one) => one.files), problems: each.flatMap((one) => one.problems) }
}

function ofCluster(items: readonly FalcoRule[], name: string | undefined): RulesNow {
  const scope = items[0]?.scope ?? ''
  const byPlace = new Map(items.map((item) => [placeKey(item), item]))
  const { rules, problems } = loadRules(items, (one) => name === undefined || one === name)
  const made = new Set(rules.map((rule) => rule.name))
  const told = Map.groupBy(problems, (one) =>
    byPlace.get(placeKey(one))?.kind === 'rule' && made.has(one.name) ? `rule ${one.name}` : 'others',
  )
  const files = Map.groupBy(items, (item) => item.file)
  return {
    rules: rules.map(({ from, ...rule }) => {
      const parts = from.flatMap((place) => byPlace.get(placeKey(place)) ?? [])
      const refused = (told.get(`rule ${rule.name}`) ?? []).map(problemText)
      return { ...rule, scope, written: parts[0]?.condition ?? '', parts: parts.map(partOf), problems: [...refused, ...unexpanded(rule)] }
    }),
    files: [...files].map(([file, of]) => ({ scope, file, items: of.length, loadedAt: toDate(of[0]?.loadedNs ?? 0n) })),
    problems: (told.get('others') ?? []).map((one) => `${one.name}: ${problemText(one)}`),
  }
}
const problemText = ({ file, position, reason }: Problem): string => `${file}, item ${position}: ${reason}`

/** The rule as loaded. Throws NotFoundError, which says how to give Falconer the rules, and InputError where several clusters have it. */
export async function ruleAsLoaded(db: Queryable, name: string, scope?: string): Promise<RuleNow> {
  const { rules, files } = await rulesAsLoaded(db, { scope, name })
  const [rule, other] = rules
  if (rule !== undefined && other === undefined) return rule
  if (rule !== undefined)
    throw new InputError(`“${redact(name)}” is loaded in several clusters: ${rules.map((one) => one.scope).join(', ')}. Say which one.`)
  const where = scope === undefined ? '' : ` of ${scope}`
  if (files.length === 0) throw new NotFoundError(`Falconer was not given the rules files${where}: ${howToGive(scope)}`)
  throw new NotFoundError(
    `No rule “${redact(name)}” is in the rules files${where} that Falconer was given (${files.map((one) => one.file).join(', ')}). If Falco loads more than these: ${howToGive(scope)}`,
  )
}

export const howToGive = (scope = 'NAME'): string =>
  `give it the files Falco loads, in that order: falconer import /etc/falco/falco_rules.yaml /etc/falco/falco_rules.local.yaml /etc/falco/rules.d --cluster ${scope}`

const placeKey = ({ file, position }: { file: string; position: number }): string => `${position} ${file}`

const unexpanded = ({ unknownMacros, cycles, cut }: Pick<LoadedRule, 'unknownMacros' | 'cycles' | 'cut'>): string[] => [
  ...unknownMacros.map((macro) => `it uses the macro ${macro}, which is not defined before it`),
  ...cycles.map((cycle) => `macros go round in a circle: ${cycle}`),
  ...(cut ? ['it is too long or too deep to be written out in full'] : []),
]

const partOf = ({ file, position, mode, item, loadedNs }: FalcoRule): RulePart => ({
  file,
  item: position,
  mode,
  does: doneBy(mode, item),
  loadedAt: toDate(loadedNs),
})

function doneBy(mode: FalcoRule['mode'], item: Record<string, unknown>): string {
  if (mode === 'define') return 'defines it'
  const override = Object.entries((item.override ?? {}) as Record<string, unknown>)
  if (override.length > 0) return override.map(([key, how]) => `${how === 'append' ? 'appends to' : 'replaces'} ${key}`).join(', ')
  const given = (keys: readonly string[]): string => keys.filter((key) => item[key] !== undefined).join(', ')
  return mode === 'append' ? `appends to ${given(['condition', 'exceptions'])}` : `replaces ${given(['enabled'])}`
}
