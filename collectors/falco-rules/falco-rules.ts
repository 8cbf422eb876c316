/**
 * Falco’s rules files: every rule, macro, list and requirement as it was written, in its place, so that what an alert’s rule says can be
 * told, and what it became when all files were loaded (expand.ts). An item Falco would refuse is a dead letter; its neighbours stay.
 * Content key: SHA-256 over the scope, the file’s name and the item as written.
 */
import { basename } from 'node:path'
import { canonicalHash } from '../../domain/canonical-json.ts'
import { InputError } from '../../domain/errors.ts'
import type { NewFalcoRule } from '../../domain/falco-rule.ts'
import { parsePriority, type Priority } from '../../domain/severity.ts'
import type { Collector, NewRecord, Piece, SourceContext } from '../collector.ts'
import { faultOf } from './exceptions.ts'
import { type Item, kindAndName, modeOf, requiredOfRule, type Rule, schemaOf } from './item.ts'
import { splitItems } from './items-of.ts'

export const falcoRules: Collector<Item> = {
  name: 'falco-rules',
  title: 'Falco rules',
  produces: ['falco-rule'],
  connect: `The files Falco loads, in the order it loads them (\`rules_files\` of \`falco.yaml\`), whenever they change:

\`\`\`sh
falconer import /etc/falco/falco_rules.yaml /etc/falco/falco_rules.local.yaml /etc/falco/rules.d --cluster {{scope}}
\`\`\`

Whatever comes by standard input, or is pushed, counts as one file, and replaces what came by that way before: so send all files at once, in
that order. Out of a cluster that runs Falco’s chart:

\`\`\`sh
kubectl exec -n falco daemonset/falco -c falco -- sh -c 'cat /etc/falco/falco_rules.yaml /etc/falco/falco_rules.local.yaml /etc/falco/rules.d/*.yaml' | falconer import - --cluster {{scope}}
\`\`\`

Or pushed:

\`\`\`sh
cat /etc/falco/falco_rules.yaml /etc/falco/falco_rules.local.yaml /etc/falco/rules.d/*.yaml | curl --data-binary @- -H "Authorization: Bearer {{secret}}" {{url}}/ingest/falco-rules
\`\`\``,
  detect,
  raw: ({ raw }) => schemaOf(raw),
  split: splitItems,
  normalise,
}

/** A list, never a mapping (a manifest, Helm values), with an item of keys that belong together in Falco’s rules. */
function detect(sample: string): boolean {
  const lines = sample
    .replace(/^\uFEFF/, '')
    .split('\n')
    .filter((line) => !/^[ \t\r]*(?:#|%|---|$)/.test(line))
  const indent = /^( *)(?:-|\[)/.exec(lines[0] ?? '')?.[1]
  if (indent === undefined) return false
  let keys = new Set<string>()
  let column = 0
  for (const [index, line] of lines.entries()) {
    const begins = index === 0 || line.startsWith(`${indent}-`)
    const inside = begins ? line.slice(indent.length + 1) : line
    const text = inside.trimStart()
    if (begins) {
      keys = new Set()
      column = line.length - text.length
    } else if (line.length - text.length !== column) continue
    for (const [, key = ''] of text.matchAll(/(?:^|[{,])[ \t]*["']?([\w-]+)["']?[ \t]*:/g)) keys.add(key)
    if (isRulesItem(keys)) return true
  }
  return false
}

const beside = 'items condition desc output priority enabled exceptions override append'.split(' ')
const isRulesItem = (keys: ReadonlySet<string>): boolean =>
  keys.has('required_engine_version') ||
  keys.has('required_plugin_versions') ||
  (['rule', 'macro', 'list'].some((key) => keys.has(key)) && beside.some((key) => keys.has(key)))

function* normalise(item: Item, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const named = kindAndName(item)
  if (named === undefined)
    throw new InputError(`no rule, macro, list or requirement: its keys are ${Object.keys(item).join(', ').slice(0, 200) || 'none'}`)
  const file = basename(source.path ?? source.sourceName)
  const [position] = piece.path ?? []
  const rule: NewFalcoRule = {
    ...named,
    scope: source.scope,
    contentKey: canonicalHash({ scope: source.scope, file, item }).slice(3),
    file,
    position: Number(position ?? 0),
    mode: modeOf(item),
    item,
    ...(named.kind === 'rule' ? ofRule(item as Rule) : { condition: null, priority: null, source: null, tags: [], enabled: null }),
  }
  if (item.append === true && item.override !== undefined) refuse(rule, 'has both “append” and “override”')
  yield { kind: 'falco-rule', rule }
}

function ofRule(item: Rule): Pick<NewFalcoRule, 'condition' | 'priority' | 'source' | 'tags' | 'enabled'> {
  const rule = { kind: 'rule', name: item.rule } as const
  const isDefined = modeOf(item) === 'define'
  const missing = isDefined ? requiredOfRule.filter((key) => item[key] === undefined) : []
  if (missing.length > 0) refuse(rule, `has no ${missing.join(', no ')}`)
  for (const exception of item.exceptions ?? []) {
    const fault = faultOf(exception, isDefined)
    if (fault !== null) refuse(rule, `has an exception “${exception.name.slice(0, 100)}” ${fault}`)
  }
  return {
    condition: item.condition ?? null,
    priority: item.priority === undefined ? null : priorityOf(rule, item.priority),
    source: item.source ?? (isDefined ? 'syscall' : null),
    tags: item.tags ?? [],
    enabled: item.enabled ?? (isDefined ? true : null),
  }
}

function priorityOf(rule: Pick<NewFalcoRule, 'kind' | 'name'>, text: string): Priority {
  return parsePriority(text) ?? refuse(rule, `has the priority ${JSON.stringify(text.slice(0, 60))}, which is none of Falco’s eight`)
}

function refuse({ kind, name }: Pick<NewFalcoRule, 'kind' | 'name'>, why: string): never {
  throw new InputError(`the ${kind} “${name.slice(0, 100)}” ${why}; Falco refuses it`)
}
