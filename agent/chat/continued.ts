/** Questions that go on with the one before: “what about payments?”, “and in cluster prod?”, “why?”. Put into whole questions, which rules can read. */
import type { Turn } from '../../domain/chat.ts'
import type { Question } from './answer.ts'
import { plainWords } from './asked.ts'

const another =
  /^ (?:and |but |so |ok |then )*(?:what about|how about|and (?:in|for|of)|in|for|same for|the same for) (?:the )?(?:(namespace|cluster) )?([a-z0-9][\w./:@-]*)(?: (namespace|cluster))? $/
const place = / (?:in|inside|within) (?:the )?(?:namespace |cluster )?[a-z0-9][\w./:@-]*(?: namespace| cluster)?(?= )/
const why = /^ (?:and |but |so )*(?:why|how come|why is that|why so)(?: (?:is that|so|though|that|not))? $/

/** As it came, where it stands by itself. */
export function continued(question: Question): Question {
  const words = plainWords(question.text)
  const before = question.earlier.at(-1)
  if (before === undefined) return question
  if (why.test(words)) return toldOfIncident(before) ? { ...question, text: 'How did this happen?' } : question
  const [, kind = '', name = '', kindAfter = ''] = another.exec(words) ?? []
  if (name === '') return question
  const whole = continued({ ...question, text: before.text, earlier: question.earlier.slice(0, -1) })
  const plain = plainWords(whole.text).replace(place, '')
  const where = name.includes('/') ? `of ${name}` : `in ${kind || kindAfter}${kind || kindAfter ? ' ' : ''}${name}`
  return { ...question, text: `${plain.replace(/ (?:of|to|from|at) \S+\/\S+(?= )/, '').trim()} ${where}` }
}

/** “Why” asks for the cause of what was told last; of a list of changes or settings each already says why. */
const toldOfIncident = ({ answer }: Turn): boolean =>
  answer?.claims.some(({ evidence }) => evidence.some(({ record }) => record === 'incident')) ?? false
