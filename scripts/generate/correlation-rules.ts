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
      `Two alerts that share a fact, no further apart in event time than its window, belong to one incident; every join stores which fact joined
it. Facts are of one cluster or account. Moves are found through relations that inventory tells, may lead from one cluster or account to
another, and are one-way: two alerts that lead to the same thing do not join each other unless that thing has an alert in their time.`,
      table(
        ['Rule', 'Shared fact, or move', 'Window', 'What it led to has an alert', 'Asked'],
        correlationRules.map((rule) => [
          code(rule.name),
          aboutOf(rule),
          `${inMinutes(rule.window)} minutes`,
          rule.reach === undefined ? '' : `from ${inMinutes(rule.reach.before)} minutes before to ${inMinutes(rule.reach.after)} after`,
          rule.lastResort === true ? 'when no other rule found a fact' : 'always',
        ]),
      ),
    ),
  }
}

const inMinutes = (ns: bigint): bigint => ns / 60_000_000_000n

function aboutOf({ name }: CorrelationRule): string {
  const constant = name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
  const about = commentOf(readFileSync(`incidents/rules/${name}.ts`, 'utf8'), constant)
  if (about === '') throw new Error(`incidents/rules/${name}.ts: write above ${constant} which fact its alerts share`)
  return about
}
