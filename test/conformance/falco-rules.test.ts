import { createReadStream } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { loadRules } from '../../collectors/falco-rules/expand.ts'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import type { NewFalcoRule } from '../../domain/falco-rule.ts'
import { conformance, dataFolder, filesOf, indexOf } from './data.ts'

/** What Falco itself refuses, item by item or whole. Everything not named here is read to its last item. */
const refusedItems: Record<string, RegExp> = {
  'falco-test_exceptions_append_item_no_name.yaml': /exceptions\.0\.name: it has no name/,
  'falco-test_exceptions_exception_item_no_values.yaml': /no rule, macro, list or requirement: its keys are exception, items/,
  'falco-test_exceptions_item_comps_fields_len_mismatch.yaml': /exception “ex1” with more or fewer comparisons than fields/,
  'falco-test_exceptions_item_unknown_comp.yaml': /the comparison "no-comp", which Falco does not know/,
  'falco-test_invalid_engine_version_not_number.yaml': /neither a number nor a version/,
  'falco-test_invalid_missing_list_name.yaml': /list: it has no name/,
  'falco-test_invalid_rule_without_output.yaml': /“no output rule” has no output; Falco refuses it/,
}
/** Nothing in them is Falco’s: comments alone, a sentence, three colons. Named as rules they are what the second says. */
const unrecognised: Record<string, RegExp | null> = {
  'falco-test_empty_rules.yaml': null,
  'falco-test_invalid_not_yaml.yaml': /a rules file is a list of items, and this is none/,
  'falco-test_invalid_yaml_parse_error.yaml': /^not YAML/,
}
/** The index’s reader gave up on these; Falco does not, and neither do we. Counted by hand. */
const notCounted: Record<string, number[]> = {
  'falco-test_exceptions_item_comps_fields_len_mismatch.yaml': [1, 0, 0],
  'falco-test_exceptions_item_unknown_comp.yaml': [1, 0, 0],
  'falco-test_exceptions_rule_exception_values_listref.yaml': [1, 0, 1],
  'falco-test_falco_rules_warnings.yaml': [31, 0, 0],
}
const index = indexOf('falco-rules')

type Read = { counts: ReadCounts; rules: NewFalcoRule[]; dead: Batch['deadLetters'] }
async function read(path: string, { format = undefined as string | undefined, chunk = 65_536 } = {}): Promise<Read> {
  const batches: Batch[] = []
  const source = { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
  const onBatch = async (batch: Batch): Promise<void> => void batches.push(batch)
  const counts = await readInput(createReadStream(path, { highWaterMark: chunk }), { path, source, format, onBatch })
  const rules = batches.flatMap(({ records }) => records.flatMap((one) => (one.kind === 'falco-rule' ? [one.rule] : [])))
  return { counts, rules, dead: batches.flatMap(({ deadLetters }) => deadLetters) }
}

conformance('Falco’s rules files', () => {
  const files = new Map<string, string>()
  beforeAll(async () => {
    for (const path of await filesOf('falco-rules')) files.set(basename(path), path)
  })

  it('are in the index, every file of them', () => {
    expect([...files.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(70)
  })

  it.each([...index])('%s', async (file, { records, notes }) => {
    const path = files.get(file) ?? ''
    if (file in unrecognised) {
      await expect(read(path)).rejects.toThrow(/name it with --format/)
      const { rules, dead } = await read(path, { format: 'falco-rules' })
      const why = unrecognised[file] ?? null
      expect([rules, dead.map((one) => one.reason)]).toEqual([[], why === null ? [] : [expect.stringMatching(why)]])
      return
    }
    const { counts, rules, dead } = await read(path)
    const refused = refusedItems[file]
    expect(dead.map((one) => one.reason)).toEqual(refused === undefined ? [] : [expect.stringMatching(refused)])
    expect(counts).toMatchObject({ format: 'falco-rules', read: rules.length + dead.length, skipped: 0 })
    const stated = /rules=(\d+) macros=(\d+) lists=(\d+) other=(\d+)/.exec(notes)?.slice(1).map(Number)
    const wanted = stated ?? notCounted[file]
    if (wanted !== undefined) {
      const requirements = rules.filter(({ kind }) => kind === 'requirement').length
      const [ofRules = 0, macros = 0, lists = 0, other = 0] = wanted
      const isRequirement = refused !== undefined && /version/.test(refused.source)
      expect(rules.length - requirements + dead.length - Number(isRequirement)).toBe(ofRules + macros + lists + other)
      if (refused === undefined) {
        for (const [kind, count] of [
          ['rule', ofRules],
          ['macro', macros],
          ['list', lists],
        ] as const)
          expect(rules.filter((one) => one.kind === kind)).toHaveLength(count)
      }
      if (stated !== undefined) expect(ofRules).toBe(records)
    }
    expect((await read(path, { chunk: 17 })).rules).toEqual(rules)
  })

  it('expand without an unknown macro, loaded in Falco’s order', async () => {
    const official = ['falco_rules.yaml', 'falco-incubating_rules.yaml', 'falco-sandbox_rules.yaml', 'application_rules.yaml']
    for (const order of [official, ...official.map((one) => [one]), ['k8s_audit_rules.yaml'], ['aws_cloudtrail_rules.yaml']]) {
      const items = (await Promise.all(order.map((name) => read(join(dataFolder, 'falco-rules', name))))).flatMap(({ rules }) => rules)
      const { rules, problems } = loadRules(items)
      expect(problems).toEqual([])
      expect(rules).toHaveLength(new Set(items.filter(({ kind }) => kind === 'rule').map(({ name }) => name)).size)
      const macros = new Set(items.filter(({ kind }) => kind === 'macro').map(({ name }) => name))
      const lists = new Set(items.filter(({ kind }) => kind === 'list').map(({ name }) => name))
      for (const { name, expanded, unknownMacros, cycles, cut, priority } of rules) {
        expect({ name, unknownMacros, cycles, cut }).toEqual({ name, unknownMacros: [], cycles: [], cut: false })
        expect(priority).not.toBeNull()
        // Not one name is left where it would have been put in.
        const left = expanded.replaceAll(/"[^"]*"/g, '').split(/[\s(),=]+/)
        expect(left.filter((word) => macros.has(word) && !lists.has(word) && !isValue(expanded, word))).toEqual([])
        expect(left.filter((word) => lists.has(word))).toEqual([])
      }
    }
  })
})

/** A macro’s name that is also a value somewhere, `evt.type in (open, container)`. */
const isValue = (expanded: string, word: string): boolean => new RegExp(String.raw`[(,=]\s*${word}\s*[),]|=\s*${word}\b`).test(expanded)
