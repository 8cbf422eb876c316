/** docs/reference/attack-steps.md: every way from one thing to the next that the graph knows, from the rules themselves. */
import { readFileSync } from 'node:fs'
import { tacticTitle } from '../../domain/attack.ts'
import type { StepRule } from '../../graph/step-rule.ts'
import { stepRules } from '../../graph/steps/registry.generated.ts'
import { code, page, table } from './markdown.ts'
import { commentOf } from './source.ts'

const readFrom = {
  namespace: 'a namespace’s objects',
  access: 'the cluster’s roles and bindings',
  nodes: 'the cluster’s nodes',
  cloud: 'cloud identities and resources',
} as const satisfies Record<StepRule['unit'], string>

export function render(): Record<string, string> {
  return {
    'docs/reference/attack-steps.md': page(
      'Attack steps',
      `What someone who has one thing could take next. A step is derived from what inventory and scanners reported, names its technique (ATT&CK, and the
threat matrix for Kubernetes where it has one), and keeps the records it stands on, what must hold for it, and the one change that takes it away. See \`falconer graph --help\`.`,
      table(
        ['Step', 'What it is', 'Technique', 'Tactic', 'Threat matrix', 'Derived from'],
        stepRules.map((rule) => [
          code(rule.name),
          `**${rule.title}.** ${aboutOf(rule)}`,
          `${rule.technique.id} ${rule.technique.name}`,
          tacticTitle(rule.technique.tactic),
          rule.technique.matrix ?? '',
          readFrom[rule.unit],
        ]),
      ),
    ),
  }
}

function aboutOf({ name }: StepRule): string {
  const constant = name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
  const about = commentOf(readFileSync(`graph/steps/${name}.ts`, 'utf8'), constant)
  if (about === '') throw new Error(`graph/steps/${name}.ts: write above ${constant} what it is`)
  return about
}
