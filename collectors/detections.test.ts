import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { attackFromTags } from '../domain/attack.ts'
import { trailDetections } from './cloudtrail/detections.ts'
import { readDetections } from './detections.ts'
import { auditDetections } from './kubernetes-audit/detections.ts'
import { compile, compileAll, Condition, isCheap } from './match.ts'

const holds = (condition: Condition, event: unknown): boolean => compile(Condition.parse(condition))(event)

describe('conditions', () => {
  const event = {
    name: 'a',
    flag: false,
    empty: '',
    none: null,
    account: '111',
    list: [
      { n: 1, tags: ['x'] },
      { n: 2, tags: ['y', 'z'] },
    ],
    text: '{"deep":{"effect":"Allow"}}',
    'dotted.name': 'yes',
  }

  it.each<[Condition, boolean]>([
    [{ path: 'name', equals: 'a' }, true],
    [{ path: 'flag', equals: 'false' }, true],
    [{ path: 'list.*.n', in: [2, 3] }, true],
    [{ path: 'list.*.tags.*', prefix: 'z' }, true],
    [{ path: 'list.n', exists: true }, false],
    [{ path: '**.tags.*', contains: 'y' }, true],
    [{ path: 'text.@json.**.effect', equals: 'Allow' }, true],
    [{ path: 'name.@json.x', exists: false }, true],
    [{ path: ['dotted.name'], matches: '^y' }, true],
    [{ path: 'empty', exists: true }, false],
    [{ path: 'none.below', exists: false }, true],
    [{ path: 'none', equals: 'null' }, false],
    [{ path: 'toString', exists: true }, false],
    [{ not: { path: 'name', equals: 'a' } }, false],
    [
      {
        any: [
          { path: 'name', equals: 'b' },
          { path: 'flag', equals: false },
        ],
      },
      true,
    ],
    [
      {
        all: [
          { path: 'name', equals: 'b' },
          { path: 'flag', equals: false },
        ],
      },
      false,
    ],
    [
      {
        path: 'list.*',
        having: [
          { path: 'n', equals: 1 },
          { path: 'tags.*', equals: 'x' },
        ],
      },
      true,
    ],
    [
      {
        path: 'list.*',
        having: [
          { path: 'n', equals: 1 },
          { path: 'tags.*', equals: 'y' },
        ],
      },
      false,
    ],
    [{ path: 'list.*', having: [{ path: 'n', outside: 'account' }] }, true],
    [{ path: 'account', outside: 'account' }, false],
    [{ path: 'name', sameAs: 'account' }, false],
  ])('%j', (condition, expected) => {
    expect(holds(condition, event)).toBe(expected)
  })

  it('hold against anything at all without failing', () => {
    const all = [...trailDetections.all, ...auditDetections.all].map(({ match }) => compileAll(match))
    for (const value of [null, undefined, 7, 'x', [], {}, { requestParameters: 'x', objectRef: [], user: 3 }])
      for (const one of all) expect(one(value)).toBe(false)
  })

  it.each(['a*', 'a+', '(a|b){2,3}', '(a{1,3})*', 'a{1,}', 'a{1,500}', '(?=a)', '(a)\\1', 'a{1,2}b{1,2}c{1,2}', '('])(
    'refuse the expression %s',
    (source) => {
      expect(isCheap(source)).toBe(false)
      expect(Condition.safeParse({ path: 'a', matches: source }).success).toBe(false)
    },
  )
})

describe('the catalogues', () => {
  it.each([...trailDetections.all, ...auditDetections.all].map((one) => [one.id, one] as const))(
    '%s is known by its tags',
    (id, { tactics, techniques }) => {
      const found = attackFromTags([id, ...tactics.map((tactic) => `mitre_${tactic}`), ...techniques])
      expect(found.tactics).toHaveLength(new Set(tactics).size)
      expect(found.techniques).toEqual([...techniques].sort())
    },
  )

  it('have a title each', () => {
    const titles = [...trailDetections.all, ...auditDetections.all].map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
  })

  it('are not read when a file is none of them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'falconer-detections-'))
    const good = {
      id: 'good',
      title: 'A good one',
      description: 'It says what it is about at some length.',
      priority: 'Notice',
      tactics: ['impact'],
      techniques: ['T1485'],
      match: [{ path: 'name', equals: 'x' }],
      falsePositives: ['None is known.'],
      source: ['https://example.org/'],
    }
    const read = (over: object) => {
      writeFileSync(join(folder, 'good.yaml'), stringify({ ...good, ...over }))
      return readDetections(pathToFileURL(`${folder}/`), 'name')
    }
    try {
      expect(read({}).matching({ name: 'x' })).toHaveLength(1)
      expect(read({}).matching({ name: 'y' })).toEqual([])
      expect(() => read({ id: 'other' })).toThrow(/good\.yaml cannot be used: its id is “other”/)
      expect(() => read({ techniques: ['1485'] })).toThrow(/techniques/)
      expect(() => read({ tactics: ['harm'] })).toThrow(/tactics/)
      expect(() => read({ match: [{ path: 'name', matches: '(a+)+' }] })).toThrow(/match/)
      expect(() => read({ code: 'x' })).toThrow(/code/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
