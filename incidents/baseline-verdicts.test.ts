/**
 * What people say teaches the baseline: a shape that a signed-in person called harmless is one step less, and no more; one that was called an attack is
 * never usual. Nobody else teaches it, and what is taken back is taken back.
 */
import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { NewAlert } from '../domain/alert.ts'
import type { Verdict } from '../domain/report.ts'
import type { Incident } from '../domain/incident.ts'
import { agentPrincipal, operatorPrincipal, type Principal } from '../domain/principal.ts'
import { baselineNow } from '../apps/server/baseline.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, minute, newAlert, noon, podRecords, process_ } from '../test/support/records.ts'
import { decide } from './decide.ts'
import { correlatePending } from './pipeline.ts'
import { readCase } from './read-case.ts'
import { recompute } from './recompute.ts'

const clock = new FixedClock(new Date(Number(noon / 1_000_000n) + 86_400_000))
const day = 24n * 60n * minute
const person = (name: string, over: Partial<Principal> = {}): Principal => ({
  id: name,
  kind: 'user',
  name,
  role: 'investigator',
  personId: name,
  mayApprove: true,
  ...over,
})
const [ada, bo] = [person('Ada'), person('Bo')]
let scopes = 0

eachDatabase('what people called the same', (database) => {
  /** A cluster with a pod that has alerts; answers incidents by how many days ago they began. */
  async function cluster() {
    const scope = `said-${(scopes += 1)}`
    const { entities, relations, containerId } = podRecords({ name: 'web-1' }, scope, noon - 90n * day)
    await accept(database(), clock, [delivery({ entities, relations })])
    const at = (daysAgo: number): bigint => noon - BigInt(daysAgo) * day
    const alert = (daysAgo: number, over: Partial<NewAlert> = {}): NewAlert =>
      newAlert({
        scope,
        eventNs: at(daysAgo),
        rule: 'Noisy',
        priority: 'Error',
        container: { id: containerId.slice(0, 12), name: null, image: null },
        process: process_({ exepath: '/usr/bin/backup' }),
        ...over,
      })
    const all = async (): Promise<Incident[]> => (await listIncidents(database(), { scope }, { limit: 200 })).incidents
    return {
      scope,
      alert,
      seen: async (...alerts: NewAlert[]) => {
        await accept(database(), clock, [delivery({ alerts })])
        while ((await correlatePending(database(), clock)).alerts > 0);
      },
      of: async (daysAgo: number): Promise<Incident> => {
        const found = (await all()).find(({ firstNs }) => firstNs === at(daysAgo))
        if (found === undefined) throw new Error(`none began ${daysAgo} days ago`)
        return found
      },
    }
  }
  const says = (who: Principal, { id: incident }: Incident, verdict: Verdict) =>
    decide(database(), clock, who, 'web', { kind: 'verdict', incident, verdict }, 'we looked')
  const codes = ({ severityReasons }: Incident): string[] => severityReasons.map(({ code }) => code)

  it('makes the same one step less, whoever said so and when is told, and a changed verdict takes it back', async () => {
    const { alert, seen, of, scope } = await cluster()
    await seen(alert(9), alert(5), alert(0))
    expect((await of(0)).severity).toBe('high')
    await says(ada, await of(5), 'benign')
    const lower = await of(0)
    expect(lower).toMatchObject({ severity: 'medium', severityFloor: 'medium' })
    expect(lower.severityReasons.at(-1)).toMatchObject({
      code: 'called_harmless',
      text: expect.stringMatching(/^Ada called the same benign on 2026-09-02: /) as string,
    })
    expect((await of(5)).severity, 'it is no word on itself').toBe('high')
    await recompute(database(), clock, scope)
    expect(await of(0)).toMatchObject({ severity: 'medium' })
    // Another person was wrong about another one, and says so.
    await says(bo, await of(9), 'true_positive')
    expect((await of(0)).severity).toBe('high')
    await says(bo, await of(9), 'suspicious')
    expect((await of(0)).severity).toBe('medium')
    await says(ada, await of(5), 'true_positive')
    expect(codes(await of(0))).not.toContain('called_harmless')
    expect((await of(0)).severity).toBe('high')
  })

  it('is told by the baseline and in the case', async () => {
    const { alert, seen, of, scope } = await cluster()
    await seen(alert(5), alert(0))
    await says(ada, await of(5), 'false_positive')
    const text = 'seen 1 time on 1 of 1 day here; Ada called it a false positive on 2026-09-02'
    const { baseline } = await readCase(database(), clock.now(), (await of(0)).id, { cluster: () => null })
    expect(baseline.here).toMatchObject([{ usual: { text }, said: [{ by: 'Ada', verdict: 'false_positive', incident: (await of(5)).id }] }])
    expect(baseline.harmless).toMatchObject({ by: 'Ada' })
    const { normal } = await baselineNow({ db: database(), clock }, { scope, limit: 5 })
    expect(normal).toMatchObject([{ usual: { text: expect.stringContaining('; Ada called it a false positive on') as string } }])
  })

  it('is nobody’s but a signed-in person’s, neither to lower nor to take back', async () => {
    const { alert, seen, of } = await cluster()
    await seen(alert(9), alert(5), alert(0))
    const others = [
      agentPrincipal,
      operatorPrincipal,
      person('Ada', { kind: 'token', mayApprove: false }),
      person('demo', { kind: 'demo' }),
    ]
    for (const who of others) await says(who, await of(5), 'benign')
    expect((await of(0)).severity).toBe('high')
    await says(ada, await of(9), 'true_positive')
    for (const who of others) await says(who, await of(9), 'benign')
    await says(bo, await of(5), 'benign')
    expect((await of(0)).severity).toBe('high')
  })

  it.each<[string, Partial<NewAlert>[]]>([
    ['another process beside it', [{}, { process: process_({ exepath: '/tmp/x' }) }]],
    ['another rule beside it', [{}, { rule: 'Other' }]],
    ['critical', [{ priority: 'Critical' }]],
    ['an escape to the host', [{ techniques: ['T1611'] }]],
    ['a taking of credentials', [{ techniques: ['T1552'] }]],
  ])('makes nothing less of %s', async (_what, alerts) => {
    const { alert, seen, of } = await cluster()
    const own = alerts.length === 1 ? alerts[0] : {}
    await seen(alert(5, own), ...alerts.map((over) => alert(0, over)))
    const before = (await of(0)).severity
    await says(ada, await of(5), 'benign')
    expect((await of(0)).severity).toBe(before)
  })

  it('holds for what was in the incident when it was given: what joined later nobody has looked at', async () => {
    const { alert, seen, of } = await cluster()
    await seen(alert(5), alert(0, { rule: 'Later' }))
    await says(ada, await of(5), 'benign')
    await seen(alert(5, { rule: 'Later', eventNs: noon - 5n * day + minute }))
    expect(codes(await of(0))).not.toContain('called_harmless')
  })

  it('what was called an attack is usual no more, however often it comes, until that is taken back; both together are one step', async () => {
    const { alert, seen, of, scope } = await cluster()
    await seen(...Array.from({ length: 13 }, (_, daysAgo) => alert(daysAgo)))
    expect(await of(0)).toMatchObject({ severity: 'medium' })
    await says(ada, await of(3), 'benign')
    expect(await of(0)).toMatchObject({ severity: 'medium' })
    await says(bo, await of(4), 'true_positive')
    expect(await of(0)).toMatchObject({ severity: 'high' })
    const usual = async () => (await baselineNow({ db: database(), clock }, { scope, level: 'usual', limit: 5 })).normal.length
    expect(await usual()).toBe(0)
    await says(bo, await of(4), 'unknown')
    expect(await of(0)).toMatchObject({ severity: 'medium' })
    expect(await usual()).toBe(1)
  })

  it('follows a merge: a verdict on the whole takes back those on its parts', async () => {
    const { alert, seen, of } = await cluster()
    await seen(alert(9), alert(5), alert(0))
    await says(ada, await of(5), 'benign')
    await decide(database(), clock, ada, 'web', { kind: 'merge', into: (await of(9)).id, from: (await of(5)).id }, 'the same')
    expect((await of(0)).severity).toBe('medium')
    await says(bo, await of(9), 'suspicious')
    expect((await of(0)).severity).toBe('high')
  })
})
