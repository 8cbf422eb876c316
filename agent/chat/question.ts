/** The contract of a kind of question that rules can answer: one file of questions/. It says how sure it is that it is asked, and answers from tools alone. */
import type { Link } from '../../domain/chat.ts'
import type { Claim } from '../../domain/report.ts'
import type { Asked } from './asked.ts'
import type { Asking } from './asking.ts'
import type { Sentence } from './say.ts'

export type Said = {
  sentences: readonly Sentence[]
  /** Sentences of a report, as it has them. */ claims?: readonly Claim[]
  unknowns?: readonly string[]
  notes?: readonly string[]
  links?: readonly Link[]
  followUps?: readonly string[]
  /** The question was not understood: what is told may not be what was asked. */ unsure?: string
}

export interface QuestionKind {
  /** As its file is called. */ readonly name: string
  /** How somebody may ask it. Shown to whoever does not know what to ask. */ readonly examples: readonly [string, ...string[]]
  /** 0: this is not asked; else how sure that is, 1 to 10. */
  asks(asked: Asked): number
  answer(asked: Asked, asking: Asking): Promise<Said>
}
