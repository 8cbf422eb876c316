/**
 * One conversation with a model, to its report: LangChain's agent over the tools of the desk. Every turn is a checkpoint before the next begins, and a
 * conversation that a crash broke off goes on where it stood.
 */
import type { BaseMessage } from '@langchain/core/messages'
import { createAgent } from 'langchain'
import { tools as catalog } from '../../tools/catalog/registry.generated.ts'
import type { Checkpoints } from '../../store/checkpoints.ts'
import type { Desk } from '../analyst.ts'
import type { Hands } from '../hands.ts'
import type { OpenModel } from '../model/model.ts'
import { agentParts, stepsFor, Stop, textOf, type Turns } from '../model/turns.ts'
import { reportForm, type SaidReport } from './schema.ts'

export type Talk = {
  model: OpenModel
  hands: Hands
  desk: Desk
  saver: Checkpoints
  /** Names its checkpoints. */ thread: string
  system: string
  turns: number
  signal: AbortSignal
}
/** Of all turns together. */
const mostQuestions = 30
/** What is read and listed; nothing that writes, not even a proposal. */
const readable = new Set(catalog.filter(({ access, listed }) => access === 'read' && listed).map(({ name }) => name))

/** `first` begins it, unless it was begun before: then it goes on where it stood. Throws Stop, and whatever the model's door throws. */
export async function converse(talk: Talk, first: () => Promise<BaseMessage[]>): Promise<SaidReport> {
  const agent = await agentOf(talk)
  const { messages, resumed } = await goOn(agent, talk, talk.thread, first)
  const report = reportForm.read(textOf(messages.at(-1)))
  if (report !== undefined) return report
  if (!resumed) throw new Stop('Its last answer was no report.')
  // A kill can leave a checkpoint between a turn and what it asked, with nothing next. Begun anew, the ledger answers what was answered.
  const anew = await goOn(agent, talk, anewOf(talk.thread), first)
  const said = reportForm.read(textOf(anew.messages.at(-1)))
  if (said === undefined) throw new Stop('Its last answer was no report.')
  return said
}

const anewOf = (thread: string): string => `${thread}/anew`

type Agent = Awaited<ReturnType<typeof agentOf>>
async function goOn(
  agent: Agent,
  talk: Talk,
  thread: string,
  first: () => Promise<BaseMessage[]>,
): Promise<{ messages: BaseMessage[]; resumed: boolean }> {
  const config = { configurable: { thread_id: thread }, durability: 'sync' as const, recursionLimit: stepsFor(talk), signal: talk.signal }
  const before = await agent.graph.getState(config)
  const begun = messagesIn(before.values)
  if (begun.length === 0) return { messages: (await agent.invoke({ messages: await first() }, config)).messages, resumed: false }
  return { messages: before.next.length > 0 ? (await agent.invoke(null, config)).messages : begun, resumed: true }
}

/** What was said in it so far; empty: it was never begun. */
export async function saidIn(talk: Talk): Promise<BaseMessage[]> {
  const agent = await agentOf(talk)
  const of = async (thread: string): Promise<BaseMessage[]> =>
    messagesIn((await agent.graph.getState({ configurable: { thread_id: thread } })).values)
  const anew = await of(anewOf(talk.thread))
  return anew.length > 0 ? anew : of(talk.thread)
}

const messagesIn = (values: unknown): BaseMessage[] => (values as { messages?: BaseMessage[] } | undefined)?.messages ?? []

async function agentOf({ desk, saver, ...talk }: Talk) {
  const parts = await agentParts({ ...talk, ...reporting, tools: readable, turnAt, mostQuestions, tell: desk.tell })
  return createAgent({ ...parts, checkpointer: saver as never })
}

const reporting: Pick<Turns, 'form' | 'words' | 'stops'> = {
  form: reportForm,
  words: {
    last: 'This is your last turn: ask nothing more, and write the report from what you have read. What you could not read belongs in `unknowns`.',
    again: (cut) =>
      `${cut ? 'Your report was longer than an answer can be, and cut.' : 'That was no report in the form you were given.'} Write it again, whole${cut ? ', with half as many claims' : ''}: the report alone.`,
    enough: 'You have asked enough: report from what you have read.',
  },
  stops: { asking: 'It did not stop asking when it had to report.', form: 'It did not answer with a report, twice.' },
}

/** By the answers since it was last told to begin: a chance to mend has turns of its own. */
function turnAt(messages: readonly BaseMessage[]): number {
  const begun = messages.findLastIndex((one) => one.type === 'human')
  return messages.slice(begun).filter((one) => one.type === 'ai').length + 1
}
