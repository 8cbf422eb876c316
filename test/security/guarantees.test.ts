/** docs/guarantees.md and the tests say the same: nothing is claimed without a test that carries its number, and no test is left untold. */
import { describe, expect, it } from 'vitest'
import { guaranteesIn, outcomesOf, testFiles } from '../../scripts/guarantees/table.ts'

describe('docs/guarantees.md', () => {
  const guarantees = guaranteesIn()
  const files = testFiles()

  it('has the thirty guarantees, each once, in order', () => {
    expect(guarantees.map((one) => one.number)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
  })

  it.each(guarantees.map((one) => [one.number, one] as const))(
    'guarantee %i is claimed as far as tests carry its number',
    (number, { state, size }) => {
      const carried = files.get(number) ?? []
      if (state === 'not yet') expect(carried, `say in docs/guarantees.md what these tests prove of guarantee ${number}`).toEqual([])
      else {
        expect(carried, `no test is named “guarantee ${number}: …”`).not.toEqual([])
        expect(size, 'the size of the proof is told').not.toBe('')
      }
    },
  )

  it('knows every number that a test carries', () => {
    for (const number of files.keys()) expect(guarantees.map((one) => one.number)).toContain(number)
  })
})

describe('reading the page and the result', () => {
  it('refuses a row it cannot read, instead of passing over it', () => {
    expect(() => guaranteesIn('| 1 | Nothing | maybe | 3 | so |')).toThrow(/cannot be read/)
    expect(guaranteesIn('| 1 | Nothing | proven | 3 cases | so |\n| # | Promise |\n')).toEqual([
      { number: 1, promise: 'Nothing', state: 'proven', size: '3 cases', how: 'so' },
    ])
  })

  it('counts by the number in the name, and cases only of what passed', () => {
    const outcomes = outcomesOf([
      { fullName: 'a guarantee 1: x', status: 'passed', duration: 1_500, meta: { cases: 150 } },
      { fullName: 'b guarantee 1: y', status: 'failed', duration: 500, meta: { cases: 99 } },
      { fullName: 'b guarantee 13: y', status: 'skipped' },
      { fullName: 'c guarantee 13: guarantee 14: z', status: 'passed', meta: { cases: 2 } },
      { fullName: 'something else', status: 'passed' },
    ])
    expect(Object.fromEntries(outcomes)).toEqual({
      1: { passed: 1, failed: 1, skipped: 0, cases: 150, seconds: 2 },
      13: { passed: 1, failed: 0, skipped: 1, cases: 2, seconds: 0 },
      14: { passed: 1, failed: 0, skipped: 0, cases: 2, seconds: 0 },
    })
  })
})
