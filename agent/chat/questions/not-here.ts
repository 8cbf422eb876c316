/** What chat does not do, whoever asks: approve, reject, close, act, reveal. It says so, and where people do it. */
import type { QuestionKind } from '../question.ts'

const orders =
  /(?:^ |\b(?:please|now|then|and|you|must|must now|should|to) )(?:approve|reject|execute|run|close|reopen|isolate|delete|kill|cordon|drain|scale|revert|undo|contain|quarantine|block|suppress|merge|split|assign|grant|revoke|disable|enable|create|make|set|mark|lower|raise|change|ignore|forget|disregard|reveal|print|show me (?:the|all) (?:secret|password|token|key))\b/
const secrets =
  /\b(?:password|passwords|secret value|secrets of|api key|private key|system prompt|signing key|credentials?|your instructions|environment variables)\b/
/** “What should we change first”, “should I approve it” are questions. */
const questions = /^ (?:what|which|how|why|when|where|who|is|are|was|were|does|did|has|have|should|shall|may)\b/

export const notHereQuestion: QuestionKind = {
  name: 'not-here',
  examples: ['What can you not do?'],
  asks: ({ has, words }) =>
    has(/what can(not| you not)/)
      ? 7
      : questions.test(words)
        ? secrets.test(words)
          ? 5
          : 0
        : orders.test(words) || secrets.test(words)
          ? 10
          : 0,
  answer: async ({ words }) => ({
    sentences: [],
    notes: [
      secrets.test(words)
        ? 'Secrets are not told: Falconer does not keep their values where it can help it, and masks them wherever they would show.'
        : 'Chat reads and explains. It approves, closes and changes nothing, whatever it is told: people decide on the page, after they have read what would run.',
    ],
    links: [
      { label: 'Approvals', path: '/approvals' },
      { label: 'Incidents', path: '/incidents' },
    ],
    followUps: ['What is waiting for approval?', 'Which incidents are open?', 'What should I fix first?'],
  }),
}
