/** One question put to a model: LangChain's agent over tools that read, and one that proposes where the question asks for it. */
import type { BaseMessage } from '@langchain/core/messages'
import { createAgent } from 'langchain'
import { agentParts, stepsFor, Stop, textOf, type Turns } from '../model/turns.ts'
import { answerForm, type SaidAnswer } from './said-answer.ts'

export type TalkParts = Pick<Turns, 'model' | 'hands' | 'system' | 'tools' | 'turns' | 'tell' | 'heard' | 'signal'>
const mostQuestions = 20

export type Talk = (messages: readonly BaseMessage[]) => Promise<{ said: SaidAnswer; messages: BaseMessage[] }>

/** Turns and questions are counted over all that is said with it. Throws Stop, and whatever the model's door throws. */
export async function openTalk(parts: TalkParts): Promise<Talk> {
  let turn = 0
  const agent = createAgent(await agentParts({ ...parts, ...answering, turnAt: () => (turn += 1), mostQuestions }))
  return async (given) => {
    const { messages } = await agent.invoke({ messages: [...given] }, { recursionLimit: stepsFor(parts), signal: parts.signal })
    const said = answerForm.read(textOf(messages.at(-1)))
    if (said === undefined) throw new Stop('Its last words were no answer in the form that it was given.')
    return { said, messages }
  }
}

const answering: Pick<Turns, 'form' | 'words' | 'stops'> = {
  form: answerForm,
  words: {
    last: 'This is your last turn: ask nothing more, and answer from what you have read. What you could not read belongs in `unknowns`.',
    again: () => 'That was no answer in the form you were given. Write it again, whole and shorter: the answer alone.',
    enough: 'You have asked enough: answer from what you have read.',
  },
  stops: { asking: 'It did not stop asking when it had to answer.', form: 'It did not answer in the form that it was given, twice.' },
}
