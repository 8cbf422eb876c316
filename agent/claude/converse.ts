/**
 * One conversation with a model, to its report: LangChain's agent over the tools of the desk. Every turn is a checkpoint before the next begins; how many
 * turns and how many questions there may be is counted here, and the last turn has to be the report.
 */
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { loadMcpTools } from '@langchain/mcp-adapters'
import { createAgent, createMiddleware } from 'langchain'
import { visible } from '../../domain/untrusted.ts'
import { tools as catalog } from '../../tools/catalog/registry.generated.ts'
import type { Checkpoints } from '../../store/checkpoints.ts'
import type { Desk } from '../analyst.ts'
import type { Hands } from '../hands.ts'
import type { OpenModel } from '../model/model.ts'
import { reportIn, reportSchema, type SaidReport } from './schema.ts'

/** Ends a conversation; the message is a whole sentence of ours. */
export class Stop extends Error {}

export type Talk = {
  model: OpenModel
  hands: Hands
  desk: Desk
  saver: Checkpoints
  /** Names its checkpoints. */ thread: string
  /** What it is told in every turn: the same bytes, for the provider's cache. */ system: string
  /** Turns, the report among them. */ turns: number
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
  const report = reportIn(textOf(messages.at(-1)))
  if (report !== undefined) return report
  if (!resumed) throw new Stop('Its last answer was no report.')
  // A kill can leave a checkpoint between a turn and what it asked, with nothing next. Begun anew, the ledger answers what was answered.
  const anew = await goOn(agent, talk, anewOf(talk.thread), first)
  const said = reportIn(textOf(anew.messages.at(-1)))
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
  const config = {
    configurable: { thread_id: thread },
    durability: 'sync' as const,
    // Two steps a turn, and room: turns are what ends it.
    recursionLimit: 4 * talk.turns + 20,
    signal: talk.signal,
  }
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

async function agentOf(talk: Talk) {
  const all = await loadMcpTools('falconer', talk.hands.client, { prefixToolNameWithServerName: false, additionalToolNamePrefix: '' })
  return createAgent({
    model: talk.model.chat,
    tools: all.filter(({ name }) => readable.has(name)),
    systemPrompt: new SystemMessage({ content: [cached(talk, talk.system)] }),
    middleware: [deskOf(talk)],
    checkpointer: talk.saver as never,
  })
}

/** A block up to which the provider keeps what it has read. */
export const cached = ({ model }: Pick<Talk, 'model'>, text: string) => ({
  type: 'text' as const,
  text,
  ...(model.provider === 'anthropic' ? { cache_control: { type: 'ephemeral' } } : {}),
})

function settingsOf({ model }: Talk): Record<string, unknown> {
  if (model.provider === 'anthropic')
    return { outputConfig: { format: { type: 'json_schema', schema: reportSchema } }, cache_control: { type: 'ephemeral' } }
  return { response_format: { type: 'json_schema', json_schema: { name: 'report', schema: reportSchema, strict: true } } }
}

const lastTurn =
  'This is your last turn: ask nothing more, and write the report from what you have read. What you could not read belongs in `unknowns`.'
const notAReport = (cut: boolean): string =>
  `${cut ? 'Your report was longer than an answer can be, and cut.' : 'That was no report in the form you were given.'} Write it again, whole${cut ? ', with half as many claims' : ''}: the report alone.`

function deskOf(talk: Talk) {
  let questions = 0
  return createMiddleware({
    name: 'desk',
    async wrapModelCall(request, handler) {
      const turn = turnsIn(request.messages) + 1
      if (turn > talk.turns) throw new Stop('It did not stop asking when it had to report.')
      const last = turn === talk.turns
      const asking = {
        ...request,
        modelSettings: { ...request.modelSettings, ...settingsOf(talk) },
        ...(last ? { toolChoice: 'none' as const, messages: [...request.messages, new HumanMessage(lastTurn)] } : {}),
      }
      const answer = await handler(asking)
      const wrong = wrongWith(answer)
      if (wrong === null) return told(talk, answer)
      const again = await handler({
        ...asking,
        messages: [...asking.messages, ...said(answer), new HumanMessage(notAReport(wrong === 'cut'))],
      })
      if (wrongWith(again) !== null) throw new Stop('It did not answer with a report, twice.')
      return told(talk, again)
    },
    async wrapToolCall({ toolCall: { id = '', name, args } }) {
      const answer = (content: string, isError: boolean) =>
        new ToolMessage({ content, tool_call_id: id, name, status: isError ? 'error' : 'success' })
      questions += 1
      await talk.desk.tell({ kind: 'asked', tool: name.slice(0, 100), text: JSON.stringify(args).slice(0, 300) })
      const { text, isError } =
        questions > mostQuestions
          ? { text: 'You have asked enough: report from what you have read.', isError: true }
          : readable.has(name)
            ? await asked(talk, name, args as Record<string, unknown>)
            : { text: 'There is no such tool. Use those that you were given.', isError: true }
      await talk.desk.tell({
        kind: isError ? 'refused' : 'answered',
        tool: name.slice(0, 100),
        text: isError ? text : '',
        bytes: Buffer.byteLength(text),
      })
      return answer(text, isError)
    },
  })
}

/** What cannot be asked in this way is told, so that it can be asked in another. */
async function asked({ hands, signal }: Talk, name: string, args: Record<string, unknown>): Promise<{ text: string; isError: boolean }> {
  try {
    return await hands.call(name, args, signal)
  } catch (error) {
    if (signal.aborted) throw error
    return {
      text: `This question could not be asked: ${visible(error instanceof Error ? error.message : String(error), 600)}`,
      isError: true,
    }
  }
}

/** Answers since it was last told to begin: a chance to mend has turns of its own. */
function turnsIn(messages: readonly BaseMessage[]): number {
  const begun = messages.findLastIndex((one) => one.type === 'human')
  return messages.slice(begun).filter((one) => one.type === 'ai').length
}

/** A whole report, or questions. Throws Stop where it would not answer at all. */
function wrongWith(answer: AIMessage): 'cut' | 'form' | null {
  const why = stopReasonOf(answer)
  if (why === 'refusal' || why === 'content_filter') throw new Stop('It refused to answer.')
  if (why === 'max_tokens' || why === 'length' || why === 'model_context_window_exceeded') return 'cut'
  if ((answer.tool_calls ?? []).length > 0) return null
  return reportIn(textOf(answer)) === undefined ? 'form' : null
}
const stopReasonOf = ({ response_metadata: meta, additional_kwargs: kwargs }: AIMessage): unknown =>
  (meta as Record<string, unknown>).stop_reason ??
  (kwargs as Record<string, unknown>).stop_reason ??
  (meta as Record<string, unknown>).finish_reason

/** What was wrong, as the model said it: without questions that nobody answers. */
const said = (answer: AIMessage): AIMessage[] => {
  const text = textOf(answer)
  return text === '' || (answer.tool_calls ?? []).length > 0 ? [] : [new AIMessage(text)]
}

async function told(talk: Talk, answer: AIMessage): Promise<AIMessage> {
  const text = textOf(answer).trim()
  if ((answer.tool_calls ?? []).length > 0 && text !== '') await talk.desk.tell({ kind: 'said', text })
  return answer
}

export function textOf(message: BaseMessage | undefined): string {
  if (message === undefined) return ''
  if (typeof message.content === 'string') return message.content
  return message.content.flatMap((block) => (block.type === 'text' && typeof block.text === 'string' ? [block.text] : [])).join('')
}
