/**
 * Asking the person at the client for what is missing. A tool that asks is run again from its start once they have answered: it asks before it
 * writes anything. Both generations of clients are asked with the same words; what comes back is checked like any input.
 */
import {
  type CallToolResult,
  inputRequired,
  inputResponse,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { InputError } from '../domain/errors.ts'
import type { ToolContext } from './tool.ts'

export type Question<S extends z.ZodObject = z.ZodObject> = {
  /** Tells questions of one tool apart. */ key: string
  message: string
  answer: S
}

/** Not a failure: how a tool stops until it is answered. */
class Asked extends Error {
  readonly question: Question
  constructor(question: Question) {
    super('a question is to be answered first')
    this.question = question
  }
}

/** Undefined: this client cannot show a form to its person. */
export function askOf(
  call: ServerContext,
  capabilities: { elicitation?: { form?: unknown; url?: unknown } } | undefined,
): ToolContext['ask'] {
  const can = capabilities?.elicitation
  if (can === undefined || (can.url !== undefined && can.form === undefined)) return undefined
  return (question) => {
    const response = inputResponse(call.mcpReq.inputResponses, question.key)
    if (response.kind !== 'elicit') throw new Asked(question as unknown as Question)
    if (response.action !== 'accept') return undefined
    const answer = question.answer.safeParse(response.content ?? {})
    if (answer.success) return answer.data
    throw new InputError(
      `The answer cannot be used: ${answer.error.issues.map((one) => `${one.path.join('.')} ${one.message}`).join('; ')}`,
    )
  }
}

/** Runs a tool; its question, if it has one, goes to the client instead of an answer. */
export async function answerOrAsk(run: () => Promise<CallToolResult>): Promise<CallToolResult | InputRequiredResult> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof Asked)) throw error
    const { key, message, answer } = error.question
    return inputRequired({ inputRequests: { [key]: inputRequired.elicit({ message, requestedSchema: answer }) } })
  }
}
