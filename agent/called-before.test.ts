import { expect, it } from 'vitest'
import type { Verdict } from '../domain/report.ts'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import type { Principal } from '../domain/principal.ts'
import { decide } from '../incidents/decide.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import { readCase } from '../incidents/read-case.ts'
import type { Database } from '../store/database.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { verdictsOn } from '../store/verdicts.ts'
import { eachDatabase } from '../test/support/database.ts'
import { containerId, delivery, minute, newAlert, noon, process_ } from '../test/support/records.ts'
import { investigate } from './investigate.ts'
import { playbook } from './playbook/playbook.ts'

const clock = new FixedClock('2026-12-24T12:00:00Z')
const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }
const options = { cluster: () => null }
const day = 24n * 60n * minute

async function incidentOf(db: Database, scope: string, at: bigint, over: Partial<NewAlert>[] = [{}]): Promise<string> {
  const alerts = over.map((one, place) =>
    newAlert({
      scope,
      eventNs: at + BigInt(place) * 1_000_000_000n,
      rule: 'Terminal shell in container',
      container: { id: containerId('c').slice(0, 12), name: 'app', image: null },
      process: process_({ name: 'bash', exepath: '/bin/bash', cmdline: 'bash' }),
      ...one,
    }),
  )
  await accept(db, clock, [delivery({ scope, alerts })])
  while ((await correlatePending(db, clock)).alerts > 0);
  const { incidents } = await listIncidents(db, { scope }, { limit: 50 })
  const found = incidents.find(({ firstNs }) => firstNs === at)
  if (found === undefined) throw new Error('it joined another incident')
  return found.id
}

eachDatabase('what a person called the same before', (database) => {
  const verdict = (incident: string, said: Verdict, reason = 'Ticket 48213') =>
    decide(database(), clock, ada, 'cli', { kind: 'verdict', incident, verdict: said }, reason)
  const called = async (id: string) => (await readCase(database(), clock.now(), id, options)).called
  const report = async (id: string) => (await investigate(database(), clock, playbook, id, options)).report

  it('is in the case file, by whom and when, and in the report as a sentence that stands on the decision; severity is code’s one step less, and no verdict moves', async () => {
    const before = await incidentOf(database(), 'a', noon)
    const again = await incidentOf(database(), 'a', noon + 10n * day)
    const unsaid = await report(again)
    expect(await called(again)).toEqual([])
    await verdict(before, 'true_positive')
    await verdict(before, 'benign')
    expect(await called(again)).toMatchObject([
      { incidentId: before, verdict: 'benign', by: 'u1', reason: 'Ticket 48213', at: clock.now() },
    ])
    expect(await called(before)).toEqual([])
    const said = await report(again)
    const claim = said?.reasons.find(({ text }) => text.startsWith('A person called the same'))
    expect(claim).toMatchObject({ grounded: true, problems: [] })
    expect(claim?.text).toContain('2026-12-24')
    expect([unsaid?.severity, said?.severity]).toEqual(['low', 'informational'])
    expect([said?.verdict, said?.confidence]).toEqual([unsaid?.verdict, unsaid?.confidence])
    expect((await verdictsOn(database(), [before, again])).size).toBe(1)
  })

  it('is said only when all of it was seen there: rule, process and place', async () => {
    const before = await incidentOf(database(), 'b', noon)
    await verdict(before, 'false_positive')
    const shell = { process: process_({ name: 'sh', exepath: '/tmp/sh', cmdline: 'sh' }) }
    for (const [place, over] of [
      shell,
      { rule: 'Read sensitive file untrusted' },
      { container: { id: containerId('d').slice(0, 12), name: 'other', image: null } },
    ].entries())
      expect(
        await called(await incidentOf(database(), 'b', noon + BigInt(20 + 10 * place) * day, [{}, over].slice(place === 2 ? 1 : 0))),
      ).toEqual([])
    expect(await called(await incidentOf(database(), 'c', noon + 100n * day))).toEqual([])
    expect(await called(await incidentOf(database(), 'b', noon + 100n * day))).toHaveLength(1)
  })

  it('follows a merge, and is no suggestion', async () => {
    const [one, two] = [await incidentOf(database(), 'd', noon), await incidentOf(database(), 'd', noon + 10n * day)]
    const later = await incidentOf(database(), 'd', noon + 30n * day)
    await decide(database(), clock, ada, 'cli', { kind: 'note', incident: one, text: 'Suggested verdict: benign' }, '')
    expect(await called(later)).toEqual([])
    await verdict(two, 'benign')
    await decide(database(), clock, ada, 'cli', { kind: 'merge', into: one, from: two }, 'the same')
    expect(await called(later)).toMatchObject([{ incidentId: one, verdict: 'benign' }])
    expect((await verdictsOn(database(), [one])).get(one)).toMatchObject({ incidentId: one, verdict: 'benign' })
  })
})
