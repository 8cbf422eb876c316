/** How one could get from somewhere, the internet unless named, to a thing, or to any secret, node, cluster or account. */
import { bare } from '../asking.ts'
import type { Asked } from '../asked.ts'
import { thingMeant } from '../meant.ts'
import type { QuestionKind } from '../question.ts'
import { at, inferred, type Sentence, standsOn } from '../say.ts'
import { stepId } from '../../../incidents/record-field.ts'

type Paths = {
  paths: { cost: number; from: { id: string }; moves: { to: string }[] }[]
  complete: boolean
  more: string | null
  freshness: string
}
const mostPaths = 2
const mostMoves = 8

export const attackPathsQuestion: QuestionKind = {
  name: 'attack-paths',
  examples: [
    'Which attack paths lead from the internet to a secret?',
    'How could an attacker get to deployment/shop/checkout?',
    'Is there a path from pod/shop/checkout to the cluster?',
  ],
  asks: ({ has }) =>
    has(
      /attack (path|way)s?|\bpaths? (to|from|into|between)|how (could|can|would) (an attacker|someone|they|anybody|one) (get|reach|come)|exposed to the (internet|public|outside)|internet[- ]facing|(which|what) (secrets?|nodes?|accounts?)\b.*\b(read|reach|get|take|access)\b|reach(able)? from the internet|\bway to\b/,
    )
      ? 8
      : 0,
  answer: async (given, asking) => {
    const meant = await thingMeant(given, asking)
    if (meant.problem !== null) return { sentences: [], unknowns: [meant.problem] }
    const asked = { ...given, thing: meant.thing }
    const input = endsOf(asked)
    const found = await asking.ask<Paths>('find_attack_paths', { ...input, cluster: asked.cluster, limit: mostPaths })
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const { paths, complete, freshness } = found.data
    const pairs = paths.flatMap(({ from, moves }) => moves.map(({ to }, index) => ({ src: moves[index - 1]?.to ?? from.id, dst: to })))
    const steps = await asking.records.stepsBetween(pairs)
    const sentences = paths.flatMap(({ from, moves, cost }, index): Sentence[] => {
      const last = moves.at(-1)?.to ?? from.id
      const told = moves.slice(0, mostMoves).flatMap(({ to }, move): Sentence[] => {
        const src = moves[move - 1]?.to ?? from.id
        const step = steps.find((one) => one.src.toString() === src && one.dst.toString() === to)
        if (step === undefined) return [inferred`Step ${move + 1}: to ${at('entity', to, 'name')}.`]
        const id = stepId(step)
        return [inferred`Step ${move + 1}: ${at('step', id, 'because')} (${at('step', id, 'technique')}).`]
      })
      return [
        inferred`Path ${index + 1}, ${moves.length} steps, cost ${cost}: from ${at('entity', from.id, 'name')} to ${at('entity', last, 'name')}.${[standsOn('entity', from.id)]}`,
        ...told,
      ]
    })
    return {
      sentences,
      unknowns: [
        paths.length === 0
          ? 'No path is known. That holds for recorded configuration as far as it was read, and for nothing else.'
          : 'This is what recorded configuration makes possible, not what happened.',
        ...(complete ? [] : ['The search was stopped before all paths were found.']),
        bare(freshness),
      ],
      links: [
        { label: 'The map', path: input.to === undefined ? '/graph' : `/graph?entity=${encodeURIComponent(input.to)}` },
        { label: 'What to fix first', path: '/fix-first' },
      ],
      followUps: ['What should I fix first?', ...(input.to === undefined ? [] : [`What is the blast radius of ${input.to}?`])],
    }
  },
}

/** “from X to Y”: X is where it begins; one thing alone is where it leads, unless “from” stands before it. */
function endsOf({ words, thing, has }: Asked): { from?: string; to?: string; goal?: string[] } {
  const [, from = '', to = ''] = / from (?:the )?(\S+\/\S+|internet) to (?:the )?(\S+\/\S+)? ?/.exec(words) ?? []
  const goal = ['secret', 'node', 'cluster'].filter((one) => has(new RegExp(`to (?:a|the|any|some) ${one}s?\\b`)))
  const goals = goal.length === 0 ? {} : { goal }
  if (from !== '' && from !== 'internet') return to === '' ? { from, ...goals } : { from, to }
  if (thing === null) return goals
  const [, taken = ''] = / (?:which|what) (secret|node|account)s? /.exec(words) ?? []
  if (taken === 'secret' || taken === 'node') return { from: thing, goal: [taken] }
  return words.includes(` from ${thing}`) ? { from: thing, ...goals } : { to: thing }
}
