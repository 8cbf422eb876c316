/**
 * The analyst with a model: it begins with the case file, reads on with the tools of MCP, and hands in a report whose every claim code looks up. Whatever
 * stops it (a spent budget, a refusal, a provider that is away) ends in AnalystStopped, with what it took; never in silence.
 */
import { type BaseMessage, HumanMessage } from '@langchain/core/messages'
import { quote } from '../../tools/quoted.ts'
import { analystPrompt, fillPrompt } from '../../prompts/analyst-prompt.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import type { CaseFile } from '../../incidents/case-file.ts'
import { recordReader } from '../../incidents/record-reader.ts'
import { openCheckpoints } from '../../store/checkpoints.ts'
import type { Database } from '../../store/database.ts'
import { investigationsOf } from '../../store/investigations.ts'
import { type Analyst, AnalystStopped, type Desk, type Doubt } from '../analyst.ts'
import type { Limits, Models, OpenModel } from '../model/model.ts'
import { cached, stoppedWords } from '../model/turns.ts'
import { converse, saidIn, type Talk } from './converse.ts'
import { draftFrom, mendedDraft } from './draft.ts'
import { firstMessage } from './first-message.ts'

export type ClaudeOptions = {
  limits?: Partial<Limits>
  /** Turns of an investigation, the report among them; and of mending it. */ turns?: { investigate: number; mend: number }
  /** A model that says nothing for so long in all has stopped; its own door stops it before. */ longestMs?: number
}

const promptName = 'analyst/investigate'

export function claudeAnalyst(db: Database, models: Models, options: ClaudeOptions = {}): Analyst & Required<Pick<Analyst, 'mend'>> {
  const turns = options.turns ?? { investigate: 12, mend: 3 }
  const prompt = analystPrompt('investigate')
  const system = fillPrompt(prompt, { actions: catalogue(), calls: String(turns.investigate) })
  const about = { name: promptName, version: prompt.version }

  async function withModel<T>(desk: Desk, work: (talk: Omit<Talk, 'thread' | 'turns'>) => Promise<T>): Promise<T> {
    let model: OpenModel | null = null
    const time = AbortSignal.timeout(options.longestMs ?? 900_000)
    const signal = AbortSignal.any([desk.signal, time])
    try {
      const limits = options.limits === undefined ? {} : { limits: options.limits }
      model = await models.open('investigation', desk.investigationId, { ...limits, signal })
      return await work({ model, hands: await desk.hands(), desk, saver: await openCheckpoints(db), system, signal })
    } catch (error) {
      // Whoever asked wants no more of it: that is no answer of the model's.
      if (desk.signal.aborted) throw error
      const asked = { model: model?.name ?? models.names().investigation, prompt: about, spend: model?.spent() ?? null }
      const words = stoppedWords(error) ?? (time.aborted ? 'It took longer than an investigation may.' : null)
      // What has a word of ours is no fault of ours: it needs no trace.
      throw new AnalystStopped(
        words ?? 'The model could not be asked; see the server’s log.',
        asked,
        words === null ? { cause: error } : {},
      )
    }
  }

  return {
    name: 'claude',
    version: '1',
    analyse: (file, desk) =>
      withModel(desk, async (talk) => {
        const said = await converse({ ...talk, thread: desk.investigationId, turns: turns.investigate }, async () => [
          new HumanMessage({ content: [cached(talk, firstMessage(file, await earlierOf(db, file)))] }),
        ])
        return draftFrom(said, file, recordReader(db), { model: talk.model.name, prompt: about, spend: talk.model.spent() })
      }),
    mend: (draft, doubts, desk) =>
      withModel(desk, async (talk) => {
        const first = { ...talk, thread: desk.investigationId, turns: turns.investigate }
        const said = await converse({ ...talk, thread: mendThread(desk.investigationId), turns: turns.mend }, async () => [
          ...(await saidIn(first)),
          mendMessage(doubts),
        ])
        const mended = await mendedDraft(draft, doubts, said, recordReader(db))
        return { ...mended, spend: talk.model.spent() }
      }),
  }
}

/** Forgotten with the first. */
const mendThread = (investigationId: string): string => `${investigationId}/mend`

const catalogue = (): string =>
  actions
    .map(({ name, targets, impact, description }) => `- \`${name}\` (on a ${targets.join(' or ')}; ${impact}): ${description}`)
    .join('\n')

/** What a model reported of this incident before, whole. */
async function earlierOf(db: Database, { incident }: CaseFile) {
  return (await investigationsOf(db, incident.id)).find(
    ({ status, report }) => status === 'done' && report !== null && report.model !== null && report.partial === null,
  )
}

function mendMessage(doubts: readonly Doubt[]): BaseMessage {
  const numbered = new Map<string, number>()
  const lines = doubts.map(({ part, text, problems }) => {
    const number = (numbered.get(part) ?? 0) + 1
    numbered.set(part, number)
    return `- ${part} ${number}: ${quote(text, 500)} — ${problems.join('; ')}`
  })
  return new HumanMessage(fillPrompt(analystPrompt('mend'), { doubts: lines.join('\n') }))
}
