/**
 * The analyst that asks a model sits the examination: over the loopback, a model that knows the answers passes every question, by the path that any model takes
 * (its sentences are cited by code); one that wastes turns or stops early fails the one about its spending, and no other of its graders is lenient.
 */
import { readFile } from 'node:fs/promises'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { bare, caseIn, emptyReport } from '../test/support/analyst-site.ts'
import { templateFile } from '../test/support/database.ts'
import { type Asked, type MessagesApi, messagesApi, replies, type Script } from '../test/support/messages-api.ts'
import type { SaidReport } from '../agent/claude/schema.ts'
import { claude } from './analysts/claude.ts'
import { examine, type Result } from './run.ts'
import { worldOf } from './play.ts'
import type { Scenario } from './scenario.ts'

let template: Blob
let api: MessagesApi
beforeAll(async () => {
  template = new Blob([await readFile(templateFile)])
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await api.close()
})

const usage = { input_tokens: 2_000, output_tokens: 1_000, cache_read_input_tokens: 12_000 }

async function sat(name: string, script: (scenario: Scenario) => Script): Promise<Result> {
  const scenario = worldOf(name, null)
  api = await messagesApi(script(scenario))
  vi.stubEnv('ANTHROPIC_API_KEY', 'sk-ant-api03-of-nobody-at-all-0123456789')
  vi.stubEnv('ANTHROPIC_BASE_URL', api.url)
  const [result] = await examine(template, scenario, [claude])
  return result as Result
}

type Said = SaidReport['summary'][number]
/** Writes the truth from ids of the case it was sent, as a model would: each sentence with the records of one kind that it may stand on. */
function knowing({ truth }: Scenario, asked: Asked): SaidReport {
  const file = caseIn(asked)
  const cites = {
    alert: file.alerts.map(({ id }) => `alert:${id}`),
    entity: file.places.map(({ entity }) => `entity:${entity}`),
    finding: [...JSON.stringify(file.posture).matchAll(/"finding":"([0-9a-f-]{36})"/g)].map(([, id]) => `finding:${id}`),
    step: [...JSON.stringify(file).matchAll(/"(?:id|step)":"(\d+\/[a-z_]+\/\d+)"/g)].map(([, id]) => `step:${id}`),
    coverage: (file.sources as { cite: string }[]).map(({ cite }) => bare(cite)),
  }
  const says = (text: string, on: string[]): Said => ({ text, kind: 'observation', cites: on })
  const facts = (all: typeof truth.decisive) =>
    all.map(({ record, id, value, holds }): Said => {
      const words = value ?? holds
      const on = cites[record].filter((cite) => id === undefined || cite === `${record}:${id}`)
      if (record === 'coverage') return { text: 'Nothing was heard of it since.', kind: 'absence', cites: on }
      return words === undefined ? says('It is so.', on.slice(0, 1)) : says(`It shows ⟦${words}⟧.`, on.slice(0, 20))
    })
  return {
    ...emptyReport,
    verdict: truth.verdicts[0] ?? 'unknown',
    confidence: 'high',
    severity: 'high',
    summary: [says(`There are ${file.incident.alerts as number} alerts.`, [`incident:${file.incident.id as string}`])],
    reasons: [
      ...facts(truth.decisive),
      ...truth.entities.map(({ kind, name }) =>
        kind === 'address'
          ? says(`It came from ⟦${name}⟧.`, cites.alert.slice(0, 20))
          : says(`It was in ⟦${name.split('/').at(-1)}⟧.`, cites.entity),
      ),
    ],
    rootCause: facts(truth.rootCause ?? []).slice(0, 1),
    unknowns: truth.unknowns.map(({ example }) => example),
    techniques: truth.techniques,
    actions: truth.actions.required.flatMap(({ action, target }) => {
      const place = file.places.find(({ name }) => bare(name).split('/').at(-1) === target.split('/').at(-1))
      return place === undefined
        ? []
        : [{ action: action as SaidReport['actions'][number]['action'], entity: `${place.entity}`, replicas: null, reason: 'It is right.' }]
    }),
  }
}
const turnOf = ({ body }: Asked): number => body.messages.filter(({ role }) => role === 'assistant').length
const wrongIn = ({ grades }: Result): string[] =>
  Object.entries(grades).flatMap(([name, { pass, why }]) => (pass === false ? [`${name}: ${why}`] : []))

it.each(['ledger-exfiltration', 'nightly-backup'])(
  'a model that knows passes everything of %s, and what it took is counted',
  async (name) => {
    const result = await sat(
      name,
      (scenario) => (asked) =>
        turnOf(asked) === 0
          ? replies.tools([{ name: 'get_coverage', input: {} }], '', usage)
          : replies.structured(knowing(scenario, asked), usage),
    )
    expect(result.error).toBeNull()
    expect(wrongIn(result)).toEqual([])
    expect(result.spend).toMatchObject({
      calls: 2,
      inputTokens: 4_000,
      cacheReadTokens: 24_000,
      outputTokens: 2_000,
      usd: expect.closeTo(0.0304, 3) as number,
    })
  },
  240_000,
)

it('a model that asks for more than the scenario is worth fails its spending, and one that refuses is graded as the playbook it leaves, which is partial', async () => {
  const wasteful = await sat(
    'nightly-backup',
    (scenario) => (asked) =>
      turnOf(asked) < 8
        ? replies.tools([{ name: 'get_coverage', input: {} }], '', { ...usage, input_tokens: 20_000 })
        : replies.structured(knowing(scenario, asked), usage),
  )
  expect(wrongIn(wasteful)).toEqual([expect.stringMatching(/^spend: 9 calls and 2\d\d000 tokens; 15 and 120000 are enough/)])
  await api.close()
  const refusing = await sat('nightly-backup', () => () => replies.refusal())
  expect(wrongIn(refusing)).toEqual([
    expect.stringMatching(/^spend: it is partial: The model stopped after 1 call\. It refused to answer\./),
  ])
}, 240_000)
