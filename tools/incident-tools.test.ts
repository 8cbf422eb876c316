import { beforeAll, describe, expect, it } from 'vitest'
import { investigate } from '../agent/investigate.ts'
import { playbook } from '../agent/playbook/playbook.ts'
import { FixedClock } from '../domain/clock.ts'
import { parseEventTime } from '../domain/event-time.ts'
import { shortId } from '../domain/ids.ts'
import type { Incident } from '../domain/incident.ts'
import { ensurePartitions } from '../store/partitions.ts'
import { eachDatabase } from '../test/support/database.ts'
import { inStorm, recordStory } from '../test/support/story.ts'
import { type Answer, callTool, recordsContext } from '../test/support/tool-call.ts'
import { getCaseFileTool } from './catalog/get-case-file.ts'
import { getIncidentTool } from './catalog/get-incident.ts'
import { getTimelineTool } from './catalog/get-timeline.ts'
import type { Tool } from './tool.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
type Entry = { id: string; at: string; until?: string; times?: number; process?: string; priority: string }

eachDatabase('tools about an incident', (database) => {
  let demo: Incident
  let storm: Incident
  const call = async (tool: Tool, input: Record<string, unknown>): Promise<Answer> =>
    callTool(tool, recordsContext(database(), clock), input)
  beforeAll(async () => {
    await ensurePartitions(database(), clock.now())
    demo = await recordStory(database(), clock, 'demo')
    await investigate(database(), clock, playbook, demo.id, { cluster: () => null })
    storm = await recordStory(database(), clock, 'storm', inStorm(500))
    await investigate(database(), clock, playbook, storm.id, { cluster: () => null })
  })

  it('get_incident tells what was concluded, by whom, where, and what came of it', async () => {
    const { output, bytes } = await call(getIncidentTool, { incident: shortId('incident', demo.id) })
    expect(output).toMatchObject({
      incident: { id: demo.id, severity: 'critical', cluster: 'demo', alerts: demo.alertCount },
      report: { analyst: '⟪playbook⟫', verdict: 'true_positive', outdated: false },
      page: `https://falconer.example.org/incidents/${demo.id}`,
    })
    expect((output.rootCauses as string[]).join('\n')).toMatch(/CVE-2022-29078/)
    expect((output.rootCauses as string[]).length).toBeLessThanOrEqual(3)
    expect((output.places as { kind: string }[])[0]?.kind).toBe('workload')
    expect(output).not.toHaveProperty('claims')
    expect(bytes).toBeLessThan(6_000)
    expect((await call(getIncidentTool, { incident: storm.id })).bytes).toBeLessThan(6_000)
    const { output: full } = await call(getIncidentTool, { incident: demo.id, detail: 'full' })
    expect((full.claims as { part: string; evidence: string[] }[]).filter(({ part }) => part === 'rootCause')[0]?.evidence[0]).toMatch(
      /finding|step/,
    )
  })

  it('an incident that is not there is told so that one can go on', async () => {
    for (const incident of ['inc-0000000000', 'no such words', '00000000-0000-7000-8000-000000000000'])
      await expect(call(getIncidentTool, { incident })).rejects.toThrow(/list_incidents/)
  })

  it('an incident is found by words of its title that only one has; where several fit, they are named', async () => {
    const seen = await call(getIncidentTool, { incident: '5 more in shop/checkout' }).then(
      ({ output }) => [shortId('incident', output.incident.id as string)],
      (error: Error) => [...error.message.matchAll(/inc-[0-9a-f]{10}/g)].map(([id]) => id),
    )
    expect(seen).toContain(shortId('incident', demo.id))
  })

  it('get_timeline tells every alert once, in order, page by page', async () => {
    let cursor: string | undefined
    let told = 0
    const seen: Entry[] = []
    let pages = 0
    do {
      const { output, bytes } = await call(getTimelineTool, { incident: storm.id, ...(cursor === undefined ? {} : { cursor }) })
      expect(bytes).toBeLessThan(6_000)
      const entries = output.entries as Entry[]
      expect(entries.reduce((sum, { times = 1 }) => sum + times, 0)).toBe(output.alerts)
      told += output.alerts as number
      seen.push(...entries)
      cursor = (output.next as string | null) ?? undefined
      pages += 1
    } while (cursor !== undefined)
    expect(told).toBe(storm.alertCount)
    expect(pages).toBeGreaterThan(2)
    const times = seen.map(({ at }) => parseEventTime(at) ?? 0n)
    expect(times.every((at, index) => index === 0 || at >= (times[index - 1] ?? 0n))).toBe(true)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    await expect(call(getTimelineTool, { incident: demo.id, cursor: 'x' })).rejects.toThrow(/not the `next`.*begin again/)
  })

  it('get_timeline tells repeats once, with how often', async () => {
    const same = await recordStory(
      database(),
      clock,
      'repeats',
      inStorm(412, () => 'sh -c "id"'),
    )
    const { output } = await call(getTimelineTool, { incident: same.id, limit: 50 })
    const repeats = (output.entries as Entry[]).filter(({ process }) => process === '⟪sh -c "id"⟫')
    // The storm has three rules.
    expect(repeats.map(({ times }) => times)).toEqual([138, 137, 137])
    expect(repeats[0]?.until).toBeDefined()
    expect(output.more).toBeNull()
    const glance = await call(getIncidentTool, { incident: same.id })
    expect(glance.output.report).toBeNull()
    expect((glance.output.rootCauses as string[])[0]).toMatch(/CVE-2022-29078 in ejs/)
  })

  describe('get_case_file', () => {
    it('fits a model’s purse, whatever the size of the incident', async () => {
      const small = await call(getCaseFileTool, { incident: demo.id })
      const large = await call(getCaseFileTool, { incident: storm.id })
      console.log(
        `get_case_file (${database().kind}): demo incident of ${demo.alertCount} alerts ${Math.ceil(small.bytes / 4)} tokens (bytes/4); of ${storm.alertCount} alerts ${Math.ceil(large.bytes / 4)}`,
      )
      expect(storm.alertCount).toBeGreaterThanOrEqual(500)
      expect(small.bytes).toBeLessThan(24_000)
      expect(large.bytes).toBeLessThan(24_000)
    })

    it('never drops the first, the last or the most severe, and counts what it left out', async () => {
      const { output } = await call(getCaseFileTool, { incident: storm.id })
      const alerts = output.alerts as Entry[]
      expect(alerts[0]?.at).toBe((output.incident as { from: string }).from)
      expect(
        alerts
          .map(({ at, until }) => until ?? at)
          .toSorted()
          .at(-1),
      ).toBe((output.incident as { to: string }).to)
      expect(alerts.map(({ priority }) => priority)).toContain('Critical')
      expect(alerts.reduce((sum, { times = 1 }) => sum + times, 0) + (output.alertsLeft as number)).toBe(storm.alertCount)
    })

    it('names causes with their evidence, processes, what is usual, and what nobody looked at', async () => {
      const { output, text } = await call(getCaseFileTool, { incident: demo.id })
      const [first] = output.rootCauses as { title: string; evidence: string[]; fix: string }[]
      expect(first?.title).toMatch(/CVE-2022-29078 in ejs/)
      expect(first?.evidence[0]).toMatch(/^⟪finding [0-9a-f-]{36} check⟫$/)
      expect(first?.fix).toMatch(/3\.1\.10/)
      expect((output.processes as { depth: number }[]).some(({ depth }) => depth > 0)).toBe(true)
      expect(output.baseline).toMatchObject({ since: null })
      expect((output.unknowns as string[]).join('\n')).toMatch(/Whether these rules are usual here is not known/)
      expect(text).toMatch(/No source of alerts was ever heard/)
      expect(output.alertsLeft).toBe(0)
    })
  })
})
