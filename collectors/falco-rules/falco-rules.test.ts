import { property, assert, string, record, oneof, constant, array, dictionary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { NewFalcoRule } from '../../domain/falco-rule.ts'
import { type Batch, readInput, type ReadCounts } from '../read.ts'

const source = { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
type Read = { counts: ReadCounts; rules: NewFalcoRule[]; dead: Batch['deadLetters'] }
async function read(
  content: string,
  { path = 'rules/ours.yaml', format = undefined as string | undefined, chunk = 1_000 } = {},
): Promise<Read> {
  const batches: Batch[] = []
  const bytes = Buffer.from(content)
  const input = (async function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  })()
  const counts = await readInput(input, {
    path,
    source,
    format,
    onBatch: async (batch) => {
      batches.push(batch)
    },
  })
  return {
    counts,
    rules: batches.flatMap(({ records }) => records.flatMap((one) => (one.kind === 'falco-rule' ? [one.rule] : []))),
    dead: batches.flatMap(({ deadLetters }) => deadLetters),
  }
}

const ours = `\ufeff# ours
- required_engine_version: 0.57.0
- required_plugin_versions:
    - { name: container, version: 0.4.0 }

- list: shells
  items: [sh, 0777, "on", 1.10]

- macro: spawned
  condition: evt.type = execve

- rule: Оболочка в контейнере
  desc: a shell
  condition: spawned and proc.name in (shells)
  output: shell (%proc.cmdline)
  priority: error
  enabled: no
  tags: [container, T1059]
  capture: yes
  capture_duration: 30
  exceptions:
    - name: known
      fields: proc.pname
      values: [entrypoint.sh]
---
- list: shells
  items: [zsh]
  append: true
- rule: Оболочка в контейнере
  priority: INFO
  override: { priority: replace }
- rule: Оболочка в контейнере
  enabled: true
`

describe('Falco rules files', () => {
  it('are read item by item, each with its place, as written', async () => {
    for (const chunk of [1, 7, 10_000]) {
      const { counts, rules, dead } = await read(ours.replaceAll('\n', chunk === 7 ? '\r\n' : '\n'), { chunk })
      expect(dead).toEqual([])
      expect(counts).toMatchObject({ format: 'falco-rules', read: 8, skipped: 0, deadLetters: 0 })
      expect(rules.map(({ kind, name, mode, position }) => [kind, name, mode, position])).toEqual([
        ['requirement', 'required_engine_version', 'define', 1],
        ['requirement', 'required_plugin_versions', 'define', 2],
        ['list', 'shells', 'define', 3],
        ['macro', 'spawned', 'define', 4],
        ['rule', 'Оболочка в контейнере', 'define', 5],
        ['list', 'shells', 'append', 6],
        ['rule', 'Оболочка в контейнере', 'override', 7],
        ['rule', 'Оболочка в контейнере', 'override', 8],
      ])
      expect(rules[2]).toMatchObject({ file: 'ours.yaml', item: { items: ['sh', '0777', 'on', '1.10'] } })
      expect(rules[4]).toMatchObject({
        condition: 'spawned and proc.name in (shells)',
        priority: 'Error',
        source: 'syscall',
        tags: ['container', 'T1059'],
        enabled: false,
        item: { priority: 'error', capture: true, capture_duration: 30, exceptions: [{ name: 'known', fields: 'proc.pname' }] },
      })
      expect(rules[6]).toMatchObject({ condition: null, priority: 'Informational', source: null, enabled: null })
    }
  })

  it('give the same item the same key, another file another one', async () => {
    const keys = async (path: string): Promise<string[]> => (await read(ours, { path })).rules.map((rule) => rule.contentKey)
    expect(await keys('/etc/falco/a.yaml')).toEqual(await keys('a.yaml'))
    expect(await keys('a.yaml')).not.toEqual(await keys('b.yaml'))
    expect(new Set(await keys('a.yaml')).size).toBe(8)
  })

  it('lose only the item that is broken, be it YAML or not', async () => {
    const good = (name: string): string => `- list: ${name}\n  items: [a]\n`
    const { counts, rules, dead } = await read(
      `${good('one')}- macro: bad\n  condition: "never closed\n${good('two')}- list:\n  items: [x]\n`,
    )
    expect(rules.map(({ name, position }) => `${name} ${position}`)).toEqual(['one 1', 'two 3'])
    expect(dead).toMatchObject([
      { at: 'line 3', reason: expect.stringMatching(/^not YAML/) },
      { at: 'line 7', reason: expect.stringMatching(/list: it has no name/) },
    ])
    expect(counts).toMatchObject({ read: 4, deadLetters: 2 })
  })

  it.each([
    ['- rule: r\n  condition: evt.type=open\n  desc: d\n  priority: INFO\n', /the rule “r” has no output; Falco refuses it/],
    ['- rule: r\n  condition: c\n  desc: d\n  output: o\n  priority: urgent\n', /priority "urgent", which is none of Falco’s eight/],
    ['- rule: r\n  condition: and x\n  append: true\n  override: {condition: append}\n', /both “append” and “override”/],
    ['- rule: r\n  condition: x\n  override: {condition: add}\n', /override\.condition/],
    ['- exception: r\n  items: []\n- list: a\n  items: []\n', /no rule, macro, list or requirement: its keys are exception, items/],
    ['- required_engine_version: not-a-number\n', /neither a number nor a version/],
    ['- rule: r\n  exceptions: [{values: [[a]]}]\n  append: true\n', /exceptions\.0\.name: it has no name/],
    ['- list: a\n  items: [x]\n- just text\n', /an item of a rules file is a mapping/],
    ['- rule: r\n  condition: a\n  condition: b\n', /not YAML: Map keys must be unique/],
  ])('refuse %j as Falco does', async (content, reason) => {
    const { dead } = await read(content)
    expect(dead).toHaveLength(1)
    expect(dead[0]?.reason).toMatch(reason)
  })

  it.each([
    ['fields: [a.b, c.d]\n      comps: ["="]', /more or fewer comparisons than fields/],
    ['fields: [a.b]\n      comps: [like]', /the comparison "like", which Falco does not know/],
    ['fields: a.b\n      comps: contains', /of one field, whose comparison must be one of in, intersects, pmatch/],
    ['fields: [a.b, c.d]\n      values: [[x]]', /more or fewer values than fields/],
    ['values: [x]', /without fields/],
  ])('refuse an exception with %j', async (exception, reason) => {
    const { dead } = await read(
      `- rule: r\n  desc: d\n  condition: c\n  output: o\n  priority: INFO\n  exceptions:\n    - name: e\n      ${exception}\n`,
    )
    expect(dead.map((one) => one.reason)).toEqual([expect.stringMatching(reason)])
  })

  it.each([
    [
      'a manifest',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: r}\ndata:\n  r.yaml: |\n    - rule: a\n      condition: b\n',
      'kubernetes',
    ],
    ['Helm values', 'customRules:\n  r.yaml: |-\n    - rule: a\n      condition: b\n', null],
    ['a playbook', '- hosts: all\n  tasks:\n    - name: list\n      items: [1]\n', null],
    ['Sigma', 'title: x\ndetection:\n  condition: a\n', null],
    ['Semgrep', 'rules:\n- id: a\n  message: list\n', null],
    ['a list of other things', '- list: shopping\n- rule: of thumb\n', null],
  ])('leave %s to others', async (_what, content, format) => {
    if (format === null) await expect(read(content)).rejects.toThrow(/name it with --format/)
    else expect((await read(content)).counts.format).toBe(format)
  })

  it('are recognised indented, in flow style, and where the first item is none of Falco’s', async () => {
    for (const content of [
      '---\n  # x\n  - list: a\n    items: [b]\n',
      '- {macro: m, condition: evt.type=open}\n',
      '- condition: evt.type=open\n  macro: m\n',
      '- required_engine_version: 15\n',
    ])
      expect(await read(content)).toMatchObject({ counts: { format: 'falco-rules', deadLetters: 0 }, rules: [expect.anything()] })
  })

  it('take no longer than they are long, whatever is in them', async () => {
    const began = performance.now()
    const aliases = await read(`- &a x\n${'- *a\n'.repeat(5_000)}`, { format: 'falco-rules' })
    expect(aliases.rules).toEqual([])
    for (const lines of ['\n'.repeat(65_000), '- \n'.repeat(20_000), `-${'\n'.repeat(65_000)}x: y`, `- a${'\n '.repeat(30_000)}`])
      await expect(read(lines)).rejects.toThrow()
    await expect(read(`- list: a\n  items: [${'b, '.repeat(1_000_000)}b]\n`)).rejects.toThrow(/larger than/)
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  it('account for every item whatever its values are', async () => {
    const odd = oneof(string(), constant(null), array(string()), dictionary(string(), string()), constant([[[]]]))
    const item = oneof(
      record({ rule: odd, condition: odd, exceptions: odd, override: odd, tags: odd, priority: odd, append: odd }, { requiredKeys: [] }),
      record({ list: odd, items: odd, override: odd }, { requiredKeys: ['list'] }),
      record({ required_plugin_versions: odd }),
      odd,
    )
    const numRuns = process.env.FALCONER_FULL === '1' ? 2_000 : 150
    const promise = property(array(item, { minLength: 1 }), (items) => {
      pending.push(
        read(stringify(items), { format: 'falco-rules' }).then(({ counts, rules, dead }) => {
          expect(counts.read + counts.skipped).toBe(items.length)
          expect(rules.length + dead.length).toBe(counts.read)
        }),
      )
    })
    const pending: Promise<void>[] = []
    assert(promise, { numRuns })
    await Promise.all(pending)
  })
})
