/** Prose of ours about clusters in general, which names none: how often an ordinary word in it is taken for a name. */
import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { namesIn } from './names.ts'

it('takes almost no ordinary word for a name', () => {
  const root = new URL('../../', import.meta.url)
  const files = globSync(['prompts/**/*.md', 'docs/**/*.md', 'README.md', 'ARCHITECTURE.md'], { cwd: root })
  const segments = files.flatMap((file) => [
    ...new Intl.Segmenter('en', { granularity: 'sentence' }).segment(
      readFileSync(new URL(file, root), 'utf8')
        .replaceAll(/```[\s\S]*?```/g, '')
        .replaceAll(/`[^`]*`/g, 'X')
        .replaceAll('\n', ' '),
    ),
  ])
  const taken = segments.flatMap(({ segment }) => namesIn(segment)).filter((name) => !['payments', 'shop'].includes(name))
  console.log(`${taken.length} words in ${segments.length} sentences: ${taken.join(', ')}`)
  expect(segments.length).toBeGreaterThan(1_000)
  expect(taken.length / segments.length).toBeLessThan(0.005)
  expect(namesIn('They moved from the finance namespace to pod frontend, and as user alice to the prod cluster.')).toEqual([
    'frontend',
    'alice',
    'finance',
    'prod',
  ])
})
