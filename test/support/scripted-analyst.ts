/** An analyst that stands in for a model: it asks tools, says things, waits where it is told to, and hands in the playbook’s report with words of its own. */
import type { Analyst, Desk } from '../../agent/analyst.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import type { DraftReport } from '../../domain/report.ts'
import type { Spend } from '../../domain/spend.ts'

export type Script = {
  /** What its report says otherwise than the playbook’s. */ report?: Partial<DraftReport>
  /** What it says between its tools. */ says?: string
  /** Waited for after its tools have answered. */ until?: (desk: Desk) => Promise<void>
  fails?: Error
}
export const scriptedSpend: Spend = {
  calls: 7,
  inputTokens: 1_200,
  cacheReadTokens: 14_742,
  cacheWriteTokens: 1_058,
  outputTokens: 1_200,
  usd: 0.06,
  ms: 21_400,
}

export function scriptedAnalyst(script: Script = {}): Analyst & { asked: string[] } {
  const asked: string[] = []
  return {
    name: 'claude',
    version: '1',
    asked,
    async analyse(file, desk) {
      asked.push(desk.investigationId)
      const hands = await desk.hands()
      for (const tool of ['get_timeline', 'get_incident']) {
        const args = { incident: file.incident.id }
        await desk.tell({ kind: 'asked', tool, text: JSON.stringify(args) })
        const answer = await hands.call(tool, args, desk.signal)
        await desk.tell({
          kind: answer.isError ? 'refused' : 'answered',
          tool,
          text: answer.isError ? answer.text : '',
          bytes: answer.text.length,
        })
      }
      await desk.tell({ kind: 'said', text: script.says ?? 'The shell was opened by the web server, and a connection out followed.' })
      await script.until?.(desk)
      desk.signal.throwIfAborted()
      if (script.fails !== undefined) throw script.fails
      const draft = await playbook.analyse(file)
      const model = { model: 'anthropic/claude-sonnet-5-5', prompt: { name: 'investigate', version: '3f2a91c07be4' }, spend: scriptedSpend }
      return { ...draft, ...model, ...script.report }
    },
  }
}
