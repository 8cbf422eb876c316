/** docs/reference/correlation-rules.md: which shared facts join alerts into one incident, from the rules themselves. */
import { readFileSync } from 'node:fs'
import type { CorrelationRule } from '../../incidents/rule.ts'
import { correlationRules } from '../../incidents/rules/registry.generated.ts'
import { code, page, table } from './markdown.ts'
import { commentOf } from './source.ts'

export function render(): Record<string, string> {
  return {
    'docs/reference/correlation-rules.md': page(
      'Correlation rules',
      `Two alerts of one cluster that share a fact, no further apart in event time than its window, belong to one incident; every join stores
which fact joined it.`,
      table(
        ['Rule', 'Shared fact', 'Window', 'Asked'],
        correlationRules.map((rule) => [
          code(rule.name),
          aboutOf(rule),
          `${rule.window / 60_000_000_000n} minutes`,
          rule.lastResort === true ? 'when no other rule found a fact' : 'always',
        ]),
      ),
    ),
  }
}

function aboutOf({ name }: CorrelationRule): string {
  const constant = name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
  const about = commentOf(readFileSync(`incidents/rules/${name}.ts`, 'utf8'), constant)
  if (about === '') throw new Error(`incidents/rules/${name}.ts: write above ${constant} which fact its alerts share`)
  return about
}
