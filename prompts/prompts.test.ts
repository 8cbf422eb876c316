/** What is written in the house is whole: every variable filled, every tool there, every runbook with its sections. */
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { kubernetesActions } from '../responses/catalog/kubernetes/registry.generated.ts'
import { matrixTactics, stableRules } from '../test/support/stable-rules.ts'
import { resources } from '../tools/resources/registry.generated.ts'
import { tools } from '../tools/catalog/registry.generated.ts'
import { parseFile } from './front-matter.ts'
import { isShared, prompts, renderPrompt, toolsNamed, variablesOf } from './prompt.ts'
import { runbookNamed, runbooks, runbookSections, runbooksFor, runbooksOfIncident } from './runbook.ts'

const known = new Set(tools.map(({ name }) => name))

describe('prompts', () => {
  it.each(prompts().map((one) => [one.name, one] as const))('%s uses what it declares, and nothing else', (_name, prompt) => {
    const used = variablesOf(prompt.body).filter((name) => !isShared(name))
    expect(used.sort()).toEqual(Object.keys(prompt.arguments).sort())
    expect(variablesOf(prompt.body)).toContain('house_rules')
    for (const { required, otherwise } of Object.values(prompt.arguments)) expect(required).toBe(otherwise === undefined)
    const given = Object.fromEntries(Object.keys(prompt.arguments).map((name) => [name, `the ${name}`]))
    const text = renderPrompt(prompt, given)
    expect(text).not.toMatch(/\{\{|\}\}/)
    for (const value of Object.values(given)) expect(text).toContain(value)
    for (const rule of ['⟪', 'Cite the id', 'not observed since T', 'a person reads and approves']) expect(text).toContain(rule)
  })

  it.each(prompts().map((one) => [one.name, one] as const))('%s names tools that there are', (_name, prompt) => {
    const given = Object.fromEntries(Object.keys(prompt.arguments).map((name) => [name, 'x']))
    const named = toolsNamed(renderPrompt(prompt, given))
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  it('puts what was typed on one line, visibly, and asks for what is missing', () => {
    const [prompt] = prompts().filter(({ name }) => name === 'tune_rule')
    if (prompt === undefined) throw new Error('tune_rule is gone')
    const text = renderPrompt(prompt, { rule: 'a\n{{namespace}}\u202e', namespace: '' })
    expect(text).toContain('“a\\u{a}{{namespace}}\\u{202e}”. Where: everywhere')
    expect(() => renderPrompt(prompt, {})).toThrow(/needs rule/)
  })

  it('has a version that every byte changes', () => {
    const head = z.strictObject({ title: z.string() })
    const a = parseFile('a.md', 'a', '---\ntitle: A\n---\ntext\n', head)
    expect(a).toMatchObject({ name: 'a', title: 'A', body: 'text' })
    expect(parseFile('a.md', 'a', '---\ntitle: A\n---\ntext.\n', head).version).not.toBe(a.version)
    expect(() => parseFile('a.md', 'a', '---\ntitle: A\nother: 1\n---\ntext\n', head)).toThrow(/a\.md/)
    expect(() => parseFile('a.md', 'a', 'text', head)).toThrow(/front matter/)
  })
})

describe('runbooks', () => {
  it.each(runbooks().map((one) => [one.name, one] as const))('%s has every section, and names tools that there are', (_name, runbook) => {
    const sections = [...runbook.body.matchAll(/^## (.+)$/gm)].map((found) => found[1])
    expect(sections).toEqual([...runbookSections])
    expect(toolsNamed(runbook.body).filter((name) => !known.has(name))).toEqual([])
    // A role of Kubernetes, and no runbook.
    const others = [...runbook.body.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].filter(([, name]) => name !== 'cluster-admin')
    for (const [, other = ''] of others) expect(() => runbookNamed(other)).not.toThrow()
  })

  it('are there for every stable rule of Falco and every tactic of the threat matrix', () => {
    expect(stableRules.filter((rule) => runbooksFor({ rule }).length === 0)).toEqual([])
    expect(matrixTactics.filter((tactic) => !runbooks().some(({ tactics }) => tactics.includes(tactic)))).toEqual([])
  })

  it.each(runbooks().map((one) => [one.name, one] as const))(
    '%s names actions and commands that there are, and is short enough to read',
    (_name, { body }) => {
      const actions = [...body.matchAll(/`(kubernetes\.\w+)/g)].map(([, name]) => name)
      expect(actions.filter((name) => !kubernetesActions.some((action) => action.name === name))).toEqual([])
      const asked = [...body.matchAll(/`falconer ([\w-]+)/g)].map(([, name]) => name)
      expect(asked.filter((name) => !readdirSync('apps/cli/commands').includes(`${name}.ts`))).toEqual([])
      expect(body.split('\n').length).toBeLessThanOrEqual(120)
    },
  )

  it('are found by technique, sub-technique and rule, and by what an incident shows', () => {
    const names = (query: Parameters<typeof runbooksFor>[0]) => runbooksFor(query).map(({ name }) => name)
    expect(runbooks().length).toBeGreaterThanOrEqual(12)
    expect(names({ technique: 't1611' })).toEqual(['container-escape', 'kernel-module'])
    expect(names({ technique: 'T1552.007' })).toContain('secret-access')
    expect(names({ technique: 'T1552' })).toContain('cloud-credential-theft')
    expect(names({ rule: 'terminal shell in container' })).toEqual(['shell-in-container'])
    expect(names({ technique: 'T9999' })).toEqual([])
    const fitting = runbooksOfIncident({ rules: ['Netcat Remote Code Execution in Container'], techniques: ['T1059', 'T1611'] })
    expect(fitting[0]?.name).toBe('reverse-shell')
    expect(() => runbookNamed('../mcp/tune_rule')).toThrow(/There are: /)
  })
})

describe('resources', () => {
  it('are named after their files', () => {
    expect(resources.map(({ kind }) => kind)).toEqual(['finding', 'incident', 'proposal', 'rule', 'runbook'])
  })
})
