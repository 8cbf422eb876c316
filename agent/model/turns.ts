/**
 * The turns of a model with tools, of an investigation and of chat alike: how many there may be and how many questions is counted here, the last turn has to
 * be in the form that was asked for, and what is not is asked for once more. It has the tools that it was given, whatever it calls.
 */
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { loadMcpTools } from '@langchain/mcp-adapters'
import { createMiddleware } from 'langchain'
import type { NewStep } from '../../domain/analyst-step.ts'
import { FalconerError } from '../../domain/errors.ts'
import { visible } from '../../domain/untrusted.ts'
import type { HandAnswer, Hands } from '../hands.ts'
import { askingFor, type Form, toldOfForm } from './form.ts'
import type { OpenModel } from './model.ts'

/** Ends a conversation; the message is a whole sentence of ours. */
export class Stop extends Error {}

export type Turns = {
  model: OpenModel
  hands: Hands
  /** What it is told in every turn: the same bytes, for the provider's cache. */ system: string
  /** Those it has. */ tools: ReadonlySet<string>
  form: Form<unknown>
  /** Turns, the last words among them. */ turns: number
  /** The number of the turn that begins, from 1. */ turnAt(messages: readonly BaseMessage[]): number
  mostQuestions: number
  tell(step: NewStep): Promise<void>
  /** What a tool answered, as data. */ heard?(tool: string, structured: unknown): void
  /** To the model: before its last turn, after what is not in the form or was cut, after too many questions. */
  words: { last: string; again(cut: boolean): string; enough: string }
  /** Of `Stop`: it asks on in its last turn; its words are not in the form, twice. */
  stops: { asking: string; form: string }
  signal: AbortSignal
}

/** For LangChain's agent. */
export async function agentParts(parts: Turns) {
  const all = await loadMcpTools('falconer', parts.hands.client, { prefixToolNameWithServerName: false, additionalToolNamePrefix: '' })
  return {
    model: parts.model.chat,
    tools: all.filter(({ name }) => parts.tools.has(name)),
    systemPrompt: new SystemMessage({ content: [cached(parts, parts.system + toldOfForm(parts.model, parts.form))] }),
    middleware: [bounds(parts)],
  }
}
/** Two steps a turn, and room: turns are what ends it. */
export const stepsFor = ({ turns }: Pick<Turns, 'turns'>): number => 4 * turns + 20

/** A block up to which the provider keeps what it has read. */
export const cached = ({ model }: Pick<Turns, 'model'>, text: string) => ({
  type: 'text' as const,
  text,
  ...(model.provider === 'anthropic' ? { cache_control: { type: 'ephemeral' } } : {}),
})

function bounds(parts: Turns) {
  const { tell, words, stops, turns } = parts
  let questions = 0
  return createMiddleware({
    name: 'bounds',
    async wrapModelCall(request, handler) {
      const turn = parts.turnAt(request.messages)
      if (turn > turns) throw new Stop(stops.asking)
      const last = turn === turns
      const asking = {
        ...request,
        modelSettings: { ...request.modelSettings, ...askingFor(parts.model, parts.form, last) },
        ...(last ? { toolChoice: 'none' as const, messages: [...request.messages, new HumanMessage(words.last)] } : {}),
      }
      let answer = await handler(asking)
      const wrong = wrongWith(answer, parts.form)
      if (wrong !== null) {
        const again = new HumanMessage(wrong === 'questions' && !last ? brokenQuestions : words.again(wrong === 'cut'))
        const closing = parts.model.provider === 'openai' && wrong !== 'questions' ? { toolChoice: 'none' as const } : {}
        answer = await handler({
          ...asking,
          ...closing,
          modelSettings: { ...asking.modelSettings, ...askingFor(parts.model, parts.form, last || wrong !== 'questions') },
          messages: [...asking.messages, ...withoutQuestions(answer), again],
        })
        if (wrongWith(answer, parts.form) !== null) throw new Stop(stops.form)
      }
      const aside = textOf(answer).trim()
      if ((answer.tool_calls ?? []).length > 0 && aside !== '') await tell({ kind: 'said', text: aside })
      return answer
    },
    async wrapToolCall({ toolCall: { id = '', name, args } }) {
      const tool = name.slice(0, 100)
      questions += 1
      const enough = questions > parts.mostQuestions
      await tell({ kind: 'asked', tool, text: JSON.stringify(args).slice(0, 300) })
      const { text, isError } = enough ? refused(words.enough) : await answered(parts, name, args as Record<string, unknown>)
      await tell({ kind: isError ? 'refused' : 'answered', tool, text: isError ? text : '', bytes: Buffer.byteLength(text) })
      return new ToolMessage({ content: text, tool_call_id: id, name, status: isError ? 'error' : 'success' })
    },
  })
}

type Told = Pick<HandAnswer, 'text' | 'isError'>
const refused = (text: string): Told => ({ text, isError: true })

/** What cannot be asked in this way is told, so that it can be asked in another. */
async function answered({ hands, tools, heard, signal }: Turns, name: string, args: Record<string, unknown>): Promise<Told> {
  if (!tools.has(name)) return refused('There is no such tool. Use those that you were given.')
  try {
    const answer = await hands.call(name, args, signal)
    if (!answer.isError) heard?.(name, answer.structured)
    return answer
  } catch (error) {
    if (signal.aborted) throw error
    return refused(`This question could not be asked: ${visible(error instanceof Error ? error.message : String(error), 600)}`)
  }
}

const brokenQuestions = 'What you asked your tools was no whole JSON, and nothing was asked. Ask again, or answer.'

/** Null: it is whole, or questions to tools. Throws Stop where it would not answer at all. */
function wrongWith(answer: AIMessage, form: Form<unknown>): 'cut' | 'questions' | 'form' | null {
  const why = stopReasonOf(answer)
  if (why === 'refusal' || why === 'content_filter') throw new Stop('It refused to answer.')
  if (why === 'max_tokens' || why === 'length' || why === 'model_context_window_exceeded') return 'cut'
  if ((answer.tool_calls ?? []).length > 0) return null
  if ((answer.invalid_tool_calls ?? []).length > 0) return 'questions'
  return form.read(textOf(answer)) === undefined ? 'form' : null
}
const stopReasonOf = ({ response_metadata: meta, additional_kwargs: kwargs }: AIMessage): unknown =>
  (meta as Record<string, unknown>).stop_reason ??
  (kwargs as Record<string, unknown>).stop_reason ??
  (meta as Record<string, unknown>).finish_reason

/** What was wrong, as the model said it: without questions that nobody answers. */
const withoutQuestions = (answer: AIMessage): AIMessage[] => {
  const text = textOf(answer)
  return text.trim() === '' || (answer.tool_calls ?? []).length > 0 ? [] : [new AIMessage(text)]
}

export function textOf(message: BaseMessage | undefined): string {
  if (message === undefined) return ''
  if (typeof message.content === 'string') return message.content
  return message.content.flatMap((block) => (block.type === 'text' && typeof block.text === 'string' ? [block.text] : [])).join('')
}

/** Why it came to no end, as a whole sentence of ours: what others wrote is not repeated. Null: nobody foresaw it. */
export function stoppedWords(error: unknown): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Stop || at instanceof FalconerError) return at.message
    const { status } = at as { status?: unknown }
    if (typeof status === 'number') return `The model’s provider answered ${status}.`
  }
  return null
}
