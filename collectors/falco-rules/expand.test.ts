import { assert, property, string, stringMatching, array, constantFrom } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expandCondition } from './condition.ts'
import { loadRules, type LoadedRule, type RulesItem } from './expand.ts'
import { kindAndName } from './item.ts'

const items = (...written: Record<string, unknown>[]): RulesItem[] =>
  written.map((item, index) => ({ ...(kindAndName(item) as { kind: 'rule'; name: string }), file: 'f.yaml', position: index + 1, item }))
const rule = (condition: string, over: Record<string, unknown> = {}): Record<string, unknown> => ({
  rule: 'r',
  desc: 'd',
  condition,
  output: 'o',
  priority: 'error',
  ...over,
})
const list = (name: string, ...values: string[]): Record<string, unknown> => ({ list: name, items: values })
const macro = (name: string, condition: string): Record<string, unknown> => ({ macro: name, condition })
const only = (...written: Record<string, unknown>[]): LoadedRule => loadRules(items(...written)).rules[0] as LoadedRule
const reasons = (...written: Record<string, unknown>[]): string[] => loadRules(items(...written)).problems.map((one) => one.reason)

describe('rules as loaded', () => {
  it('put lists and macros in, lists inside lists and macros inside macros', () => {
    const { expanded, unknownMacros, cycles, cut } = only(
      list('shells', 'sh', 'my shell'),
      list('all', 'shells', 'zsh'),
      list('none'),
      macro('spawned', 'evt.type in (execve,  execveat)\n  and evt.dir=<'),
      macro('shell', '(spawned and proc.name in (none, all, "sh", none))'),
      rule(
        'shell and not proc.pname=shells or tolower(proc.name) in (all) and fd.name pmatch (/etc) and proc.aname[2] exists and not proc.tty != 0',
      ),
    )
    expect(expanded).toBe(
      '((evt.type in (execve, execveat) and evt.dir=<) and proc.name in (sh, "my shell", zsh, "sh")) and not proc.pname=sh, "my shell" or tolower(proc.name) in (sh, "my shell", zsh) and fd.name pmatch (/etc) and proc.aname[2] exists and not proc.tty != 0',
    )
    expect({ unknownMacros, cycles, cut }).toEqual({ unknownMacros: [], cycles: [], cut: false })
  })

  it('take a word for a macro only where a macro can stand', () => {
    const names = { list: () => undefined, macro: (name: string) => `<${name}>` }
    for (const [condition, expanded] of [
      ['a and (not b or c)', '<a> and (not <b> or <c>)'],
      ['not(a) and(b)', 'not(<a>) and(<b>)'],
      [
        'proc.name=a and proc.name in (a,b) and proc.cmdline contains "a and b" and a',
        'proc.name=a and proc.name in (a, b) and proc.cmdline contains "a and b" and <a>',
      ],
      [
        "fd.typechar='f' and fd.num>=0 and evt.arg.flags contains O_CREAT",
        "fd.typechar='f' and fd.num>=0 and evt.arg.flags contains O_CREAT",
      ],
      ['jevt.value[/a b/c] = and ', 'jevt.value[/a b/c] = and'],
      ['inside and proc.name in ((a), "b)")', '<inside> and proc.name in ((a), "b)")'],
      ['val(fd.name) = val(proc.exepath)', 'val(fd.name) = val(proc.exepath)'],
      ['evt.type=open and (', 'evt.type=open and ('],
    ] as const)
      expect(expandCondition(condition, names)).toBe(expanded)
  })

  it('apply appends and overrides in order, key by key', () => {
    const loaded = only(
      list('l', 'a'),
      macro('m', 'proc.name in (l)'),
      rule('m', { tags: ['x'], enabled: false }),
      { list: 'l', items: ['b'], append: true },
      { list: 'l', items: ['c'], override: { items: 'append' } },
      { macro: 'm', condition: 'or proc.name=d', override: { condition: 'append' } },
      { rule: 'r', condition: 'and e.f=1', append: true },
      { rule: 'r', priority: 'INFO', tags: ['y'], output: 'p', override: { priority: 'replace', tags: 'append', output: 'replace' } },
      { rule: 'r', enabled: true },
      { rule: 'r', capture: true, capture_duration: 9, override: { capture: 'replace', capture_duration: 'replace' } },
    )
    expect(loaded).toMatchObject({
      condition: 'm and e.f=1',
      expanded: '(proc.name in (a, b, c) or proc.name=d) and e.f=1',
      priority: 'Informational',
      enabled: true,
      tags: ['x', 'y'],
      output: 'p',
      source: 'syscall',
      capture: true,
      captureDuration: 9,
    })
    expect(loaded.from.map(({ position }) => position)).toEqual([3, 7, 8, 9, 10])
    expect(only(list('l', 'a'), rule('a.b in (l)'), list('l', 'z')).expanded).toBe('a.b in (z)')
  })

  it('render exceptions behind the condition', () => {
    const exceptions = [
      {
        name: 'pair',
        fields: ['proc.name', 'fd.name'],
        comps: ['=', 'in'],
        values: [
          ['my cat', '(dirs)'],
          ['ls', ['/a', '/b c']],
        ],
      },
      { name: 'one', fields: 'proc.cmdline', values: ['cat /dev/null', 'ls'] },
      { name: 'empty', fields: ['proc.name'] },
    ]
    const { condition, expanded } = only(list('dirs', '/x', '/y'), rule('a.b=1 or a.b=2', { exceptions }))
    expect(condition).toBe(
      '(a.b=1 or a.b=2) and not ((proc.name = "my cat" and fd.name in (dirs)) or (proc.name = ls and fd.name in (/a, "/b c"))) and not (proc.cmdline in ("cat /dev/null", ls))',
    )
    expect(expanded).toContain('fd.name in (/x, /y)')
    expect(
      only(rule('a.b=1', { exceptions }), { rule: 'r', exceptions: [{ name: 'empty', values: [['x']] }], append: true }).condition,
    ).toMatch(/ and not \(\(proc\.name = x\)\)$/)
  })

  it('name what nobody defined, or only afterwards, and what goes round in a circle', () => {
    expect(only(macro('m', 'nobody and a.b=1'), rule('m or neither')).unknownMacros).toEqual(['neither', 'nobody'])
    expect(only(macro('first', 'later'), macro('later', 'a.b=1'), rule('first'))).toMatchObject({
      unknownMacros: ['later'],
      expanded: '(later)',
    })
    expect(only(macro('a', 'x.y=1'), macro('b', 'a'), macro('a', 'b'), rule('a'))).toMatchObject({ cycles: ['a → b → a'], expanded: '(a)' })
    expect(only(list('a', 'x'), list('b', 'a'), list('a', 'b', 'y'), rule('p.q in (a)')).expanded).toBe('p.q in (a, y)')
  })

  it('say what Falco would refuse, and go on without it', () => {
    expect(
      reasons(
        { list: 'l', items: ['a'], append: true },
        { macro: 'm', condition: 'or x', override: { condition: 'append' } },
        { rule: 'r', condition: 'and x', append: true },
        rule('a.b=1', { exceptions: [{ name: 'e', fields: ['a.b'] }] }),
        rule('a.b=1', { source: 'k8s_audit' }),
        { rule: 'r', desc: 'x', priority: 'INFO', override: { priority: 'replace', output: 'replace' } },
        {
          rule: 'r',
          exceptions: [
            { name: 'e', fields: ['a.b'], values: [['x']] },
            { name: 'new', values: [['x']] },
          ],
          append: true,
        },
        { rule: 7 },
      ),
    ).toEqual([
      'it adds to a list that is not defined before it',
      'it adds to a macro that is not defined before it',
      'it changes a rule that is not defined before it',
      'it is defined again with another source',
      '“override” replaces “output”, which is not given',
      '“desc” is not used: “override” does not say what to do with it',
      'exception “e” exists already: only values can be added to it',
      'exception “new” without fields',
      expect.stringMatching(/^it cannot be read/),
    ])
  })

  it('stay small, however the macros and lists multiply, and say that they are cut', () => {
    const doubling = Array.from({ length: 60 }, (_, at) => macro(`m${at + 1}`, `m${at} and m${at}`))
    const chain = Array.from({ length: 200 }, (_, at) => macro(`c${at + 1}`, `c${at}`))
    const lists = Array.from({ length: 40 }, (_, at) => list(`l${at + 1}`, `l${at}`, `l${at}`))
    for (const written of [
      [macro('m0', 'a.b=1'), ...doubling, rule('m60')],
      [macro('c0', 'a.b=1'), ...chain, rule('c200')],
      [list('l0', 'x', 'y'), ...lists, rule('a.b in (l40)')],
    ]) {
      const loaded = only(...written)
      expect(loaded.cut).toBe(true)
      expect(loaded.expanded.length).toBeLessThan(1_000_000)
    }
  })

  it('are only those that are asked for, made of all that count', () => {
    const { rules } = loadRules(items(macro('m', 'a.b=1'), rule('m'), rule('m', { rule: 's' })), (name) => name === 's')
    expect(rules).toMatchObject([{ name: 's', expanded: '(a.b=1)' }])
  })

  it('come to an end for any condition', () => {
    const names = { list: () => ['x'], macro: () => 'y' }
    const parts = constantFrom('(', ')', ' ', ',', '"', "'", '[', ']', 'and', 'not', 'in', '=', 'a.b', 'exists', '\\', 'm')
    assert(property(string(), (condition) => typeof expandCondition(condition, names) === 'string'))
    assert(property(array(parts), (some) => typeof expandCondition(some.join(''), names) === 'string'))
    assert(property(stringMatching(/^[a-z.=() "]*$/), (condition) => typeof expandCondition(condition, names) === 'string'))
  })
})
