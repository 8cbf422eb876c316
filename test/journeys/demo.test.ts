/**
 * The demo is no script: verdict and target follow the story whatever its pod, namespace, rules, order and gaps are called and
 * however long; the same shell that inventory explains is benign; without inventory nothing can be targeted, and it says why.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { investigate } from '../../agent/investigate.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import { type Suggested, suggest } from '../../agent/suggest.ts'
import type { KubernetesJson } from '../../clusters/contract.ts'
import { readInput } from '../../collectors/read.ts'
import { FixedClock } from '../../domain/clock.ts'
import type { Proposal } from '../../domain/proposal.ts'
import type { Report } from '../../domain/report.ts'
import { loadScenario, mutate, type Scenario, toJsonLines, withNoise } from '../../evals/scenario.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { getAction } from '../../responses/catalog/catalog.ts'
import { loadPolicy } from '../../responses/policy.ts'
import type { Database } from '../../store/database.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { listProposals } from '../../store/proposals.ts'
import { embeddedDatabase } from '../support/database.ts'
import { deriveAll, recordScan } from '../support/posture.ts'
import { runToEnd } from '../support/process.ts'
import { delivery } from '../support/records.ts'
import { recordInventory } from '../support/shop.ts'
import { cases, seed as firstSeed } from '../support/sizes.ts'

const now = new Date('2026-11-24T12:00:00Z')
const clock = new FixedClock(now.toISOString())
const noise = loadScenario('everyday-noise', now)
const intrusion = withNoise(loadScenario('shop-checkout-intrusion', now), noise)
const deployJob = withNoise(loadScenario('deploy-job-shell', now), noise)
const seeds = Array.from({ length: cases(40, 4) }, (_, index) => firstSeed + index)

type Concluded = { report: Report; suggested: Suggested[]; proposals: Proposal[] }

describe('what comes of a story, whatever it is called', () => {
  let db: Database
  beforeAll(async () => {
    db = await embeddedDatabase()
  })
  afterAll(async () => db.close())

  /** As the server does it: alerts in, correlated, the worst incident investigated, its recommendations proposed. */
  async function concluded(story: Scenario, objects: readonly KubernetesJson[] = story.objects): Promise<Concluded> {
    const scope = `demo-${randomUUID()}`
    const source = { sourceId: null, sourceName: 'falco', scope, receivedNs: BigInt(now.getTime()) * 1_000_000n }
    await recordInventory(db, clock, scope, objects)
    await recordScan(db, clock, scope, story.trivy)
    // One by one, as Falco posts them: each is placed without knowing what comes after it.
    for (const alert of story.alerts)
      await readInput(bytes(toJsonLines([alert])), {
        path: 'ingest',
        format: 'falco',
        source,
        onBatch: async ({ records, deadLetters }) => {
          expect(deadLetters).toEqual([])
          await accept(db, clock, [
            delivery({ scope, alerts: records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])) }),
          ])
          await correlatePending(db, clock)
        },
      })
    await deriveAll(db, clock)
    const [worst] = (await listIncidents(db, { scope }, { limit: 10 })).incidents
    if (worst === undefined) throw new Error('no incident')
    const { id, report } = await investigate(db, clock, playbook, worst.id, { cluster: () => ({ simulated: true }) })
    if (report === null) throw new Error('no report')
    const suggested = await suggest({ db, clock, policy: loadPolicy(), actionsEnabled: false }, report, {
      incidentId: worst.id,
      investigationId: id,
    })
    return { report, suggested, proposals: await listProposals(db, { incidentId: worst.id }, 20) }
  }

  it.each(seeds)('seed %i: the intrusion is one, and the pod to isolate is the renamed pod, by its UID', async (seed) => {
    const story = mutate(intrusion, seed)
    const { report, proposals } = await concluded(story)
    expect(report).toMatchObject({ verdict: 'true_positive', ungrounded: 0 })
    const victim = story.objects[indexOfVictim(intrusion)] as KubernetesJson
    expect(victim.metadata.name).not.toBe((intrusion.objects[indexOfVictim(intrusion)] as KubernetesJson).metadata.name)
    expect(proposals.find((one) => one.action === 'kubernetes.isolate_pod')?.target).toMatchObject({
      kind: 'pod',
      uid: victim.metadata.uid,
      name: victim.metadata.name,
      namespace: victim.metadata.namespace,
    })
    const summary = report.summary.map((claim) => claim.text).join('\n')
    expect(summary).toContain(`${victim.metadata.namespace}/${victim.metadata.name}`)
    expect(summary).not.toContain('checkout')
    // And what made it possible is of the renamed image.
    const [cause] = report.rootCause.map((claim) => claim.text)
    expect(cause).toContain('CVE-2022-29078')
    expect(cause).toContain(`${victim.metadata.namespace}/`)
    expect(report.rootCause.map((claim) => claim.text).join('\n')).not.toContain('checkout')
  })

  it.each(seeds)('seed %i: the deployment job’s shell is benign, and nothing that contains is proposed', async (seed) => {
    const { report, proposals } = await concluded(mutate(deployJob, seed))
    expect(report).toMatchObject({ verdict: 'benign', ungrounded: 0 })
    expect(containing(proposals.map((one) => one.action))).toEqual([])
  })

  it.each(seeds)('seed %i: the same shell is not benign where the job declares another command', async (seed) => {
    const story = mutate(deployJob, seed)
    const text = JSON.stringify(story.objects).replaceAll('wait-for-db.sh', 'run-report.sh')
    expect(text).toContain('run-report.sh')
    const { report } = await concluded(story, JSON.parse(text) as KubernetesJson[])
    expect(report.verdict).not.toBe('benign')
  })

  it.each(seeds)('seed %i: without inventory nothing is targeted, and it says why', async (seed) => {
    const { report, suggested, proposals } = await concluded(mutate(intrusion, seed), [])
    expect(report.verdict).toBe('true_positive')
    expect(proposals).toEqual([])
    expect(containing(report.actions.map((one) => one.action))).not.toEqual([])
    for (const action of report.actions)
      expect(action).toMatchObject({ entityId: null, blocked: expect.stringMatching(/no target can be named/i) })
    expect(suggested.every((one) => 'refused' in one)).toBe(true)
  })
})

const containing = (actions: readonly string[]): string[] =>
  actions.filter((name) => ['isolate', 'evict'].includes(getAction(name).countermeasure))
/** The pod whose container the story's first alert came from. */
const indexOfVictim = ({ objects, alerts }: Scenario): number =>
  objects.findIndex(({ status }) =>
    JSON.stringify(status ?? null).includes(`containerd://${String(alerts[0]?.output_fields['container.id'])}`),
  )
async function* bytes(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text)
}

describe('falconer demo --exit --json', { timeout: 300_000 }, () => {
  const demo = async (...args: string[]): Promise<{ code: number | null; result: Record<string, unknown> }> => {
    // What is configured for real must not be touched: a demo that looked at it would fail on it.
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none', FALCONER_KUBECONFIG: '/nowhere', FALCONER_POLICY: '/nowhere' }
    const { code, output } = await runToEnd(['demo', '--exit', '--json', ...args], env)
    return { code, result: JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, unknown> }
  }

  it('ends with what was found and done, and 0 because every step held', async () => {
    expect(await demo('--seed', String(firstSeed))).toEqual({
      code: 0,
      result: {
        alerts: 16,
        incidents: expect.any(Number),
        report: { analyst: 'playbook', verdict: 'true_positive', claims: expect.any(Number), ungrounded: 0 },
        proposal: { action: 'kubernetes.isolate_pod', status: 'succeeded', verified: true },
        seconds: expect.any(Number),
      },
    })
  })

  it('ends with 1 and the reason where there is no inventory', async () => {
    const { code, result } = await demo('--no-inventory')
    expect(code).toBe(1)
    expect(result).toMatchObject({
      report: { verdict: 'true_positive' },
      proposal: null,
      problem: expect.stringMatching(/no target can be named/i),
    })
  })

  it('ends with 0 and no proposal for the deployment job', async () => {
    const { code, result } = await demo('--scenario', 'deploy-job-shell')
    expect(code).toBe(0)
    expect(result).toMatchObject({ report: { verdict: 'benign', ungrounded: 0 }, proposal: null })
  })
})
