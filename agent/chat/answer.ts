/**
 * The contract of chat: a question in, an answer out, whoever asks from wherever. Nothing of an answer is seen before every claim of it was read again from
 * the store; what does not hold is a hypothesis. What is asked is asked with the asking person's role, and nothing here can approve or act.
 */
import type { NewStep } from '../../domain/analyst-step.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Answer, Thread, Turn } from '../../domain/chat.ts'
import { FalconerError } from '../../domain/errors.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Principal } from '../../domain/principal.ts'
import { redact } from '../../domain/redact.ts'
import { checkedWords, type Claim } from '../../domain/report.ts'
import type { Spend } from '../../domain/spend.ts'
import { groundClaim, groundSaid, type Home, type RecordReader, type SeenCoverage } from '../../incidents/grounding.ts'
import type { Coverage } from '../../incidents/case-file.ts'
import { coverageOf } from '../../incidents/read-case.ts'
import { lastHeard } from '../../incidents/record-field.ts'
import { recordReader } from '../../incidents/record-reader.ts'
import type { Database } from '../../store/database.ts'
import type { Hands } from '../hands.ts'
import type { Models } from '../model/model.ts'
import { rules } from './rules.ts'

export type Question = {
  text: string
  thread: Pick<Thread, 'id'>
  /** Who asks: what their role may not see is not there. */ principal: Principal
  /** The incident the thread is about. */ about: Incident | null
  /** Answered before in this thread, in order. */ earlier: readonly Turn[]
}

/** What answering works with. */
export type ChatDesk = {
  db: Database
  clock: Clock
  /** The tools of MCP as the asking person has them: to read alone for rules, to read and propose for a model. */ hands(
    by: 'rules' | 'model',
  ): Promise<Hands>
  /** Null: none is configured, or none is wanted. */ models: Models | null
  tell(step: NewStep): Promise<void>
  signal: AbortSignal
}

/** What an answerer says, before any of it is checked. */
export type Draft = Omit<Answer, 'claims'> & { claims: Claim[] }
export type Answerer = (question: Question, desk: ChatDesk & { reader: RecordReader; home: Home }) => Promise<Draft>

export async function answer(given: Question, desk: ChatDesk, withModel?: Answerer): Promise<Answer> {
  // Masked while what is secret stands under its name: rules take sentences apart.
  const question = { ...given, text: redact(given.text) }
  const reader = recordReader(desk.db)
  const coverage = await coverageOf(desk.db)
  // As it stood when the question came: a source may be heard again while it is answered.
  const seen: SeenCoverage = new Map(coverage.map((source) => [source.name, lastHeard(source)]))
  const home = homeOf(question, coverage)
  await desk.tell({ kind: 'began', text: question.text })
  const draft = await drafted(question, { ...desk, reader, home }, withModel)
  const claims = await Promise.all(
    draft.claims.map((claim) => (draft.by === 'rules' ? groundClaim(claim, reader, seen) : groundSaid(claim, reader, home, seen))),
  )
  await desk.tell({ kind: 'done', text: checkedWords(claims) })
  return { ...draft, claims }
}

/** The clusters that the question names; else the one that the thread is about; else no one. */
function homeOf({ text, about }: Question, coverage: readonly Coverage[]): Home {
  const asked = new Set(text.split(/[^\w.-]+/u).map((word) => word.replace(/[.-]+$/, '')))
  const named = coverage.flatMap(({ scope }) => (asked.has(scope) ? [scope] : []))
  return { scopes: named.length > 0 ? new Set(named) : about === null ? null : new Set([about.scope]) }
}

async function drafted(question: Question, desk: ChatDesk & { reader: RecordReader; home: Home }, withModel?: Answerer): Promise<Draft> {
  if (desk.models === null || withModel === undefined) return rules(question, desk)
  try {
    return await withModel(question, desk)
  } catch (error) {
    if (!(error instanceof ChatStopped) || desk.signal.aborted) throw error
    await desk.tell({ kind: 'stopped', text: error.message })
    const partial = `The model did not answer: ${error.message} What follows is put together by rules.`
    const ruled = await rules(question, desk)
    return { ...ruled, partial: ruled.partial === null ? partial : `${partial} ${ruled.partial}`, spend: error.spend }
  }
}

/** Why a model did not answer, in a whole sentence of ours, and what asking it took. */
export class ChatStopped extends FalconerError {
  readonly spend: Spend | null
  constructor(message: string, spend: Spend | null, options?: ErrorOptions) {
    super('stopped', message, options)
    this.spend = spend
  }
}
