import fc from 'fast-check'
import { expect, it } from 'vitest'
import { property } from '../test/support/sizes.ts'
import { fuse } from './fuse.ts'

const names = (lists: string[][]): string[] => fuse(lists, (one) => one).map(({ entry }) => entry)

it('puts first what stands high in several lists', () => {
  expect(names([['a', 'b', 'c'], ['x', 'b'], ['b']])).toEqual(['b', 'a', 'x', 'c'])
  expect(names([])).toEqual([])
})

it('loses nothing, tells nothing twice, and keeps the order of a single list', () => {
  const list = fc.uniqueArray(fc.string({ maxLength: 2 }), { maxLength: 8 })
  fc.assert(
    fc.property(fc.array(list, { maxLength: 5 }), (lists) => {
      const fused = names(lists)
      expect(new Set(fused)).toEqual(new Set(lists.flat()))
      expect(fused).toHaveLength(new Set(fused).size)
      expect(names(lists.slice(0, 1))).toEqual(lists[0] ?? [])
      expect(names(lists)).toEqual(fused)
    }),
    property(1_000),
  )
})
