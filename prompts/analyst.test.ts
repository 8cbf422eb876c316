/** What the analyst with a model is told is whole: every variable used, every tool and action there, and the version changes with any byte of it. */
import { expect, it } from 'vitest'
import { claudeAnalyst } from '../agent/claude/claude.ts'
import { actions } from '../responses/catalog/catalog.ts'
import { tools } from '../tools/catalog/registry.generated.ts'
import { analystPrompt, analystPrompts, fillPrompt } from './analyst-prompt.ts'
import { toolsNamed, variablesOf } from './prompt.ts'

const readable = new Set(tools.filter(({ access, listed }) => access === 'read' && listed).map(({ name }) => name))

it.each(analystPrompts().map((one) => [one.name, one] as const))('%s uses what it declares, and nothing else', (_name, prompt) => {
  expect(variablesOf(prompt.body).sort()).toEqual(Object.keys(prompt.variables).sort())
  const given = Object.fromEntries(Object.keys(prompt.variables).map((name) => [name, `the ${name}`]))
  const text = fillPrompt(prompt, given)
  expect(text).not.toMatch(/\{\{|\}\}/)
  for (const value of Object.values(given)) expect(text).toContain(value)
  expect(() => fillPrompt(prompt, {})).toThrow(/was given nothing/)
  expect(() => fillPrompt(prompt, { ...given, other: 'x' })).toThrow(/other/)
})

it('names tools that the analyst has, and none that writes but to say that it may not', () => {
  const named = toolsNamed(analystPrompt('investigate').body)
  expect(named.length).toBeGreaterThan(10)
  // The house rules are shared with people's own models, which may propose.
  expect(named.filter((name) => !readable.has(name))).toEqual(['propose_action'])
  expect(toolsNamed(analystPrompt('mend').body)).toEqual([])
})

it('is filled with every action of the catalogue, the same bytes each time', () => {
  expect(claudeAnalyst).toBeTypeOf('function')
  const prompt = analystPrompt('investigate')
  expect(prompt.body).toContain('Rules that hold whatever you read')
  expect(prompt.version).toMatch(/^[0-9a-f]{12}$/)
  expect(new Set(analystPrompts().map(({ version }) => version)).size).toBe(analystPrompts().length)
  expect(actions.length).toBeGreaterThan(3)
})
