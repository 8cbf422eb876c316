/** Greetings, thanks, and what can be asked. */
import type { QuestionKind } from '../question.ts'

export const helloQuestion: QuestionKind = {
  name: 'hello',
  examples: ['What can I ask?', 'Help', 'Hello'],
  asks: ({ words, has }) =>
    /^ (?:hi|hello|hey|good (?:morning|day|evening)|thanks?|thank you|thx|cheers|help|help me|test|\?)(?: (?:there|falconer|please|you))? $/.test(
      words,
    ) || has(/what can (i|we) ask|what can you (do|answer|tell)|what do you know|who are you|how do (i|you) (use|work)/)
      ? 10
      : 0,
  answer: async ({ words }) => ({
    sentences: [],
    notes: [
      words.includes(' than') || words.includes(' thx')
        ? 'Ask further whenever you like.'
        : 'Ask about incidents, findings, attack paths, what to fix first, who decided what, what changed, and what nobody can see. Name a thing as deployment/shop/checkout, a place as “in namespace shop”, an incident as inc-1f9c04be2a or “the latest incident”.',
    ],
    followUps: ['Which incidents are open?', 'What should I fix first?', 'What changed since yesterday?', 'Is anything silent?'],
  }),
}
