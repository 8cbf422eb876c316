/**
 * One question put to a model: LangChain's agent over tools that read, and one that proposes where the question asks for it. How many turns and questions
 * there may be is counted here; the last turn has to be the answer.
 */
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { loadMcpTools } from '@langchain/mcp-adapters'
import { createAgent, createMiddleware } from 'langchain'
import type { NewStep } from '../../domain/analyst-step.ts'
import { visible } from '../../domain/untrusted.ts'
import { cached, Stop, textOf } from '../claude/converse.ts'
import type { Hands } from '../hands.ts'
import type { OpenModel } from '../model/model.ts'
import { answerIn, answerSchema, type SaidAnswer } from './said-answer.ts'

export type TalkParts = {
  model: OpenModel
  hands: Hands
  system: string
  /** Tools it has, of those that the person's role leaves. */ tools: ReadonlySet<string>
  turns: number
  tell(step: NewStep): Promise<void>
  /** What a tool answered, as data. */ heard(tool: string, structured: unknown): void
  signal: AbortSignal
}
const mostQuestions = 20

export type Talk = (messages: readonly BaseMessage[]) => Promise<{ said: SaidAnswer; messages: BaseMessage[] }>

/** Turns and questions are counted over all that is said with it. Throws Stop, and whatever the model's door throws. */
export async function openTalk(parts: TalkParts): Promise<Talk> {
  const all = await loadMcpTools('falconer', parts.hands.client, { prefixToolNameWithServerName: false, additionalToolNamePrefix: '' })
  const agent = createAgent({
    model: parts.model.chat,
    tools: all.filter(({ name }) => parts.tools.has(name)),
    systemPrompt: new SystemMessage({ content: [cached(parts, parts.system)] }),
    middleware: [bounds(parts)],
  })
  return async (given) => {
    const { messages } = await agent.invoke({ messages: [...given] }, { recursionLimit: 4 * parts.turns + 20, signal: parts.signal })
    const said = answerIn(textOf(messages.at(-1)))
    if (said === undefined) throw new Stop('Its last words were no answer in the form that it was given.')
    return { said, messages }
  }
}

const lastTurn =
  'This is your last turn: ask nothing more, and answer from what you have read. What you could not read belongs in `unknowns`.'
const noAnswer = 'That was no answer in the form you were given. Write it again, whole and shorter: the answer alone.'

function bounds(parts: TalkParts) {
  let turn = 0
  let questions = 0
  return createMiddleware({
    name: 'bounds',
    async wrapModelCall(request, handler) {
      turn += 1
      if (turn > parts.turns) throw new Stop('It did not stop asking when it had to answer.')
      const last = turn === parts.turns
      const asking = {
        ...request,
        modelSettings: { ...request.modelSettings, ...settingsOf(parts) },
        ...(last ? { toolChoice: 'none' as const, messages: [...request.messages, new HumanMessage(lastTurn)] } : {}),
      }
      const first = await handler(asking)
      const answer = isWhole(first)
        ? first
        : await handler({ ...asking, messages: [...asking.messages, ...words(first), new HumanMessage(noAnswer)] })
      if (!isWhole(answer)) throw new Stop('It did not answer in the form that it was given, twice.')
      const aside = textOf(answer).trim()
      if ((answer.tool_calls ?? []).length > 0 && aside !== '') await parts.tell({ kind: 'said', text: aside })
      return answer
    },
    async wrapToolCall({ toolCall: { id = '', name: given, args } }) {
      const name = given.slice(0, 100)
      questions += 1
      await parts.tell({ kind: 'asked', tool: name, text: JSON.stringify(args).slice(0, 300) })
      const { text, isError } = await answered(parts, questions, given, args as Record<string, unknown>)
      await parts.tell({ kind: isError ? 'refused' : 'answered', tool: name, text: isError ? text : '', bytes: Buffer.byteLength(text) })
      return new ToolMessage({ content: text, tool_call_id: id, name: given, status: isError ? 'error' : 'success' })
    },
  })
}

async function answered(
  { hands, tools, heard, signal }: TalkParts,
  questions: number,
  name: string,
  args: Record<string, unknown>,
): Promise<{ text: string; isError: boolean }> {
  if (questions > mostQuestions) return { text: 'You have asked enough: answer from what you have read.', isError: true }
  if (!tools.has(name)) return { text: 'There is no such tool. Use those that you were given.', isError: true }
  try {
    const { text, structured, isError } = await hands.call(name, args, signal)
    if (!isError) heard(name, structured)
    return { text, isError }
  } catch (error) {
    if (signal.aborted) throw error
    return { text: `This could not be asked: ${visible(error instanceof Error ? error.message : String(error), 600)}`, isError: true }
  }
}

function settingsOf({ model }: TalkParts): Record<string, unknown> {
  if (model.provider === 'anthropic')
    return { outputConfig: { format: { type: 'json_schema', schema: answerSchema } }, cache_control: { type: 'ephemeral' } }
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: answerSchema, strict: true } } }
}

/** An answer, or questions to tools. Throws Stop where it would not answer at all. */
function isWhole(answer: AIMessage): boolean {
  const [meta, kwargs] = [answer.response_metadata as Record<string, unknown>, answer.additional_kwargs as Record<string, unknown>]
  const why = meta.stop_reason ?? kwargs.stop_reason ?? meta.finish_reason
  if (why === 'refusal' || why === 'content_filter') throw new Stop('It refused to answer.')
  if (why === 'max_tokens' || why === 'length' || why === 'model_context_window_exceeded') return false
  return (answer.tool_calls ?? []).length > 0 || answerIn(textOf(answer)) !== undefined
}

/** As it said them, without questions that nobody answers. */
const words = (answer: AIMessage): AIMessage[] => {
  const text = textOf(answer)
  return text === '' || (answer.tool_calls ?? []).length > 0 ? [] : [new AIMessage(text)]
}
