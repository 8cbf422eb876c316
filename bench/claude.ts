/**
 * What an investigation by a model takes beside the model: an incident of 500 alerts, the Messages API on this machine, which waits before each answer as a provider does
 * (FALCONER_BENCH_MODEL_MS, 2,000). The model's time is what the ledger measured at the door; all else (case, tools, checkpoints, citations) is ours. The baseline
 * is the model's time: below 0.05× is less than 5% of it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { claudeAnalyst } from '../agent/claude/claude.ts'
import { connectHands } from '../agent/hands.ts'
import { investigate } from '../agent/investigate.ts'
import { modelsFrom } from '../agent/model/models.ts'
import { loadConfig, silenceTracing } from '../config/config.ts'
import { systemClock } from '../domain/clock.ts'
import { agentPrincipal } from '../domain/principal.ts'
import { HeldGraph } from '../graph/held.ts'
import { loadPolicy } from '../responses/policy.ts'
import type { Database } from '../store/database.ts'
import { messagesApi, replies, type Script } from '../test/support/messages-api.ts'
import type { Comparison } from './bench.ts'

const answerMs = Number(process.env.FALCONER_BENCH_MODEL_MS ?? 2_000)
const options = { cluster: () => ({ simulated: true }) }

/** Two looks and a report of a few sentences, each answer as late as a model's. */
const script: Script = async ({ body, text }) => {
  await sleep(answerMs)
  const turn = body.messages.filter(({ role }) => role === 'assistant').length
  const incident = /\\"incident\\":\{\\"id\\":\\"([0-9a-f-]{36})/.exec(text)?.[1] ?? ''
  if (turn === 0)
    return replies.tools([
      { name: 'get_process_tree', input: { incident } },
      { name: 'get_timeline', input: { incident } },
    ])
  if (turn === 1) return replies.tools([{ name: 'get_coverage', input: {} }])
  const alerts = [...text.matchAll(/\\"id\\":\\"([0-9a-f-]{36})/g)]
    .slice(1, 21)
    .map(([, id]) => ({ text: 'Rule ⟦Storm⟧ fired.', kind: 'observation', cites: [`alert:${id}`] }))
  const none = { unusual: [], rootCause: [], fixFirst: [], blastRadius: [], unknowns: [], techniques: [], actions: [], reasons: [] }
  return replies.structured({
    verdict: 'suspicious',
    confidence: 'low',
    severity: 'low',
    summary: alerts.slice(0, 3),
    timeline: alerts,
    ...none,
  })
}

/** The first, which loads what asks models, and those after it. */
export async function besideTheModel(
  db: Database,
  on: string,
  incidentId: string,
  runs: number,
  tell: (text: string) => void,
): Promise<Comparison[]> {
  silenceTracing()
  const api = await messagesApi(script)
  try {
    const config = loadConfig(
      { ANTHROPIC_API_KEY: 'sk-ant-api03-of-nobody-at-all-0123456789', ANTHROPIC_BASE_URL: api.url, FALCONER_MODEL_USD_MONTH: '1000000' },
      {},
    )
    const models = modelsFrom(config, { db, clock: systemClock })
    if (models === null) throw new Error('no model')
    const analyst = claudeAnalyst(db, models)
    const responses = { db, clock: systemClock, policy: loadPolicy(), actionsEnabled: false }
    const context = {
      db,
      clock: systemClock,
      graph: new HeldGraph(db),
      principal: agentPrincipal,
      channel: 'system' as const,
      responses,
      pages: 'http://localhost',
    }
    const hands = () =>
      connectHands({ context, choice: {}, version: '0', failed: (tool, error) => tell(`${tool} failed: ${String(error)}`) })
    const [own, model]: [number[], number[]] = [[], []]
    for (let run = 0; run <= runs; run += 1) {
      const [began, used] = [performance.now(), process.cpuUsage()]
      const { report, error } = await investigate(db, systemClock, analyst, incidentId, { ...options, hands })
      const wall = performance.now() - began
      const { user, system } = process.cpuUsage(used)
      if (report?.spend == null || report.partial !== null) throw new Error(`the analyst stopped: ${report?.partial ?? error}`)
      own.push(wall - report.spend.ms)
      model.push(report.spend.ms)
      tell(
        `${on}: Claude, ${report.spend.calls} calls: ${Math.round(wall)} ms, of them ${Math.round(wall - report.spend.ms)} beside the model (${((1 - report.spend.ms / wall) * 100).toFixed(1)}%); ${Math.round((user + system) / 1_000)} ms of processor`,
      )
    }
    const compared = (what: string, from: number, to?: number): Comparison => ({
      what: `${on}: ${what}`,
      unit: 'ms',
      falconer: own.slice(from, to),
      baseline: { what: `the model’s time, ${answerMs} ms an answer`, samples: model.slice(from, to) },
    })
    return [compared('Claude, beside the model', 1), compared('Claude, beside the model, the first', 0, 1)]
  } finally {
    await api.close()
  }
}
