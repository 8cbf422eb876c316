import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { attackFromTags } from '../../domain/attack.ts'
import { runbooks, runbooksFor } from '../../prompts/runbook.ts'
import { stableRules } from '../support/stable-rules.ts'
import { conformance, dataFolder } from './data.ts'

type Item = { rule?: string; tags?: string[] }
const itemsOf = (file: string): Item[] => parse(readFileSync(join(dataFolder, 'falco-rules', file), 'utf8')) as Item[]

conformance('Runbooks beside Falco’s own rules', () => {
  it('are there for every rule that Falco calls stable, and our list is theirs', () => {
    const stable = itemsOf('falco_rules.yaml').flatMap(({ rule }) => rule ?? [])
    expect(stable.filter((rule) => runbooksFor({ rule }).length === 0)).toEqual([])
    expect([...stableRules].sort()).toEqual(stable.sort())
  })

  it('name no rule that Falco does not have', () => {
    const texts = readdirSync(join(dataFolder, 'falco-rules')).map((file) => readFileSync(join(dataFolder, 'falco-rules', file), 'utf8'))
    const named = new Set(texts.flatMap((text) => [...text.matchAll(/^\s*- rule:\s*["']?(.+?)["']?\s*$/gm)].map(([, name]) => name)))
    expect(runbooks().flatMap(({ name, rules }) => rules.filter((rule) => !named.has(rule)).map((rule) => `${name}: ${rule}`))).toEqual([])
  })

  it('are there for every tactic that any of its rules names', () => {
    const files = [
      'falco_rules.yaml',
      'falco-incubating_rules.yaml',
      'falco-sandbox_rules.yaml',
      'k8s_audit_rules.yaml',
      'aws_cloudtrail_rules.yaml',
    ]
    const named = new Set(files.flatMap((file) => itemsOf(file).flatMap(({ tags }) => attackFromTags(tags ?? []).tactics)))
    expect(named.size).toBeGreaterThan(8)
    expect([...named].filter((tactic) => !runbooks().some(({ tactics }) => (tactics as string[]).includes(tactic)))).toEqual([])
  })
})
