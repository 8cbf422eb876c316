import { expect, it } from 'vitest'
import { timeWords } from './step-lines.ts'

it.each([
  [-3, 'under 1 ms'],
  [0, 'under 1 ms'],
  [12, '12 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [1_449, '1.4 s'],
  [9_949, '9.9 s'],
  [9_950, '10 s'],
  [59_400, '59 s'],
  [200_000, '3 min 20 s'],
])('%d ms are told as “%s”: never as 0.0 s', (ms, words) => expect(timeWords(ms)).toBe(words))
