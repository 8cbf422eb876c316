/**
 * A first, cheap look at an incident of which the playbook is not sure: one question to the model for triage, which decides only whether a full investigation
 * is worth it. It answers with one word of ours, so that nothing a record says gets on; whatever goes wrong, the investigation goes on.
 */
import { HumanMessage, SystemMessage } from '@langchain/core/messages'
import { z } from 'zod'
import type { Report } from '../domain/report.ts'
import { modelName, money } from '../domain/written-by.ts'
import type { CaseFile } from '../incidents/case-file.ts'
import { analystPrompt, fillPrompt } from '../prompts/analyst-prompt.ts'
import { caseText } from './claude/first-message.ts'
import { askingFor, formOf } from './model/form.ts'
import type { Models } from './model/model.ts'
import { stoppedWords, textOf } from './model/turns.ts'

/** `said`: what came of it, as a clause of ours with its cost. */
export type FirstLook = { outcome: 'passed' | 'spared' | 'failed'; said: string }
export type FirstLooker = (
  file: CaseFile,
  asked: { about: string; report: Pick<Report, 'verdict' | 'confidence'>; signal: AbortSignal },
) => Promise<FirstLook>

/** Tries included. */
const limits = { calls: 3, seconds: 60 }

const reasons = {
  routine: { worth: false, text: 'its records fit what this workload does by itself' },
  maintenance: { worth: false, text: 'its records fit work on the cluster by those whose work it is' },
  one_sign: { worth: false, text: 'it is one weak sign, with nothing beside it' },
  signs: { worth: true, text: 'several of its signs fit together' },
  intruder: { worth: true, text: 'an intruder’s work would look the same' },
  unexplained: { worth: true, text: 'no record explains some of it' },
  orders: { worth: true, text: 'its records give orders to whoever reads them' },
} as const
type Reason = keyof typeof reasons
const Answer = z.object({ answer: z.enum(Object.keys(reasons) as [Reason, ...Reason[]]) })
const form = formOf('first_look', Answer)

export function firstLooker(models: Models): FirstLooker {
  const answers = Object.entries(reasons).map(
    ([word, { worth, text }]) => `- \`${word}\`: ${text}; ${worth ? 'read on' : 'do not read on'}`,
  )
  const system = new SystemMessage(fillPrompt(analystPrompt('first-look'), { answers: answers.join('\n') }))
  return async (file, { about, report, signal }) => {
    const name = modelName(models.names().triage)
    try {
      const model = await models.open('triage', about, { limits, signal })
      const question = `The playbook says ${report.verdict.replaceAll('_', ' ')} with ${report.confidence} confidence. ${caseText(file)}`
      const answer = await model.chat.invoke([system, new HumanMessage(question)], askingFor(model, form, true) as object)
      const { usd } = model.spent()
      const cost = usd === null ? '' : ` (${money(usd)})`
      const reason = form.read(textOf(answer))
      if (reason === undefined) return { outcome: 'failed', said: `${name} looked first and did not say whether it is worth it${cost}` }
      const { worth, text } = reasons[reason.answer]
      return { outcome: worth ? 'passed' : 'spared', said: `${name} looked first, and ${text}${cost}` }
    } catch (error) {
      if (signal.aborted) throw error
      const words = stoppedWords(error)
      if (words === null) console.error(error)
      return { outcome: 'failed', said: `${name} was to look first and could not: ${(words ?? 'see the server’s log').replace(/\.$/, '')}` }
    }
  }
}
