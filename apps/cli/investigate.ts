/** `falconer investigate`: has it done, follows what a model does step by step, and prints the report. Ctrl-C stops following, not what a server does. */
import { type StepLine, sizeWords, stepLines, stepWords, timeWords } from '../../domain/step-lines.ts'
import type { AnalystStep } from '../../domain/analyst-step.ts'
import { InputError } from '../../domain/errors.ts'
import type { Client } from './client.ts'
import { type Cli, type JsonOption, part } from './command.ts'
import { aside, print, printWrapped, safe } from './output.ts'
import { reportText } from './report-text.ts'
import type { InvestigationBriefRow, InvestigationRow } from './rows.ts'
import { stopSignal, wait } from './stop.ts'

const pauseMs = 700

export async function investigate(
  cli: Cli,
  incident: string,
  { analyst, follow, json }: JsonOption & { analyst: string; follow?: boolean },
): Promise<void> {
  if (analyst === 'claude' && cli.overrides().FALCONER_NO_MODEL === 'true')
    throw new InputError('--analyst claude asks a model, and --no-model forbids it.')
  await cli.withClient(async (client) => {
    let text = await client.call('POST', `/incidents/${part(incident)}/investigate`, { analyst })
    const begun = JSON.parse(text) as InvestigationRow
    if (begun.status === 'running') {
      await followed(client, begun.id, follow === true && json !== true)
      text = await client.call('GET', `/investigations/${begun.id}`)
    }
    const ended = JSON.parse(text) as InvestigationRow
    if (ended.status !== 'done') process.exitCode = 1
    if (json === true) print(text)
    else printWrapped(reportText(ended))
  })
}

/** Until it has ended. What was said before is not said again. */
async function followed(client: Client, id: string, aloud: boolean): Promise<void> {
  const signal = stopSignal()
  const steps: AnalystStep[] = []
  let told = 0
  for (;;) {
    const answer = JSON.parse(await client.call('GET', `/investigations/${id}/steps?after=${steps.at(-1)?.number ?? 0}`)) as {
      investigation: InvestigationBriefRow
      steps: (Omit<AnalystStep, 'at'> & { at: string })[]
    }
    steps.push(...answer.steps.map((step) => ({ ...step, at: new Date(step.at) })))
    const ended = answer.investigation.status !== 'running'
    const lines = stepLines(steps)
    // A question is told with its answer: the last one waits for it.
    const ready = ended ? lines.length : lines.findIndex(({ kind, answer: came }) => kind === 'asked' && came === null)
    for (const line of lines.slice(told, ready === -1 ? lines.length : ready)) {
      if (aloud) aside(lineText(line))
      told += 1
    }
    if (ended && answer.steps.length === 0) return
    if (!ended) await wait(pauseMs, signal)
  }
}

export function lineText({ at, kind, tool, text, answer }: StepLine): string {
  const clock = at.toISOString().slice(11, 19)
  if (kind !== 'asked') return `${clock}  ${stepWords[kind]}${text === '' ? '' : `: ${safe(text, 300)}`}`
  const came =
    answer === null
      ? '…'
      : answer.refused === null
        ? `${answer.bytes === null ? 'answered' : sizeWords(answer.bytes)} in ${timeWords(answer.ms)}`
        : `refused: ${safe(answer.refused, 200)}`
  return `${clock}  ${safe(tool ?? 'a tool', 60)}  ${came}${text === '' || text === '{}' ? '' : `  ${safe(text, 120)}`}`
}
