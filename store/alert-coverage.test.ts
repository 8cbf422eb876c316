import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { fromDate } from '../domain/event-time.ts'
import { eachDatabase } from '../test/support/database.ts'
import { watchedBy } from './alert-coverage.ts'
import type { Database } from './database.ts'
import { noteSensors } from './internal-messages.ts'
import { addToSource, createSource, noTally } from './sources.ts'

eachDatabase('who watches for alerts', (database) => {
  const clock = new FixedClock('2026-11-24T12:00:00Z')
  const told = (scope?: string): Promise<string> => watchedBy({ db: database(), clock }, scope)
  const sensor = async (db: Database, hostname: string, at: string, fields: Record<string, unknown> = {}): Promise<void> =>
    db.transaction((tx) =>
      noteSensors(
        tx,
        [{ scope: 'lab', sourceId: null, name: 'Falco internal: metrics snapshot', eventNs: fromDate(new Date(at)), hostname, fields }],
        new Date(at),
      ),
    )

  it('says so when nobody does, since when a sensor is silent, and that another cluster’s says nothing of this one', async () => {
    expect(await told('lab')).toMatch(/^No source of alerts was ever heard/)
    const source = await createSource(database(), { name: 'falco-lab', collector: 'falco', scope: 'lab', secret: null, at: clock.now() })
    await addToSource(database(), source?.id ?? '', noTally, { at: new Date('2026-11-24T11:59:00Z'), eventAt: null, truncated: 0 })
    expect(await told('lab')).toBe(
      'Alerts were last received at 2026-11-24T11:59:00Z; no sensor has told of itself. What no sensor saw is not known.',
    )
    await sensor(database(), 'node-1', '2026-11-24T11:58:00Z')
    await sensor(database(), '⟪node-2⟫', '2026-11-24T08:00:00Z')
    expect(await told('lab')).toMatch(/; 1 of 2 sensors silent, the longest since 2026-11-24T08:00:00Z\. What/)
    expect(await told('lab')).not.toContain('node-2')
    expect(await told('other')).toMatch(/^No source of alerts was ever heard/)
    clock.advance(4 * 3_600_000)
    expect(await told()).toMatch(/1 of 1 sources not observed since 2026-11-24T11:59:00Z; 2 of 2 sensors silent/)
  })
})
