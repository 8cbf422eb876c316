import { beforeAll, expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, newAlert, noon } from '../test/support/records.ts'
import { type AlertSearch, searchAlerts } from './alert-search.ts'
import { accept } from './intake.ts'
import { ensurePartitions } from './partitions.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const many = 5_000

/** Alert `n` happened `n` seconds after noon; one in a thousand is rare. */
const alertAt = (n: number): NewAlert =>
  newAlert({
    scope: 'search',
    eventNs: noon + BigInt(n) * 1_000_000_000n,
    rule: n % 1_000 === 7 ? 'Rare rule' : 'Usual rule',
    priority: n % 1_000 === 8 ? 'Critical' : 'Notice',
    container: { id: `c0ffee00000${n % 10}`, name: null, image: null },
    pod: { namespace: 'shop', name: `checkout-${n % 10}`, uid: null },
    output: n % 2_500 === 9 ? 'Somebody READ /etc/shadow 100%' : 'nothing much',
    fields: { n, 'fd.name': n === 4_321 ? '/root/.ssh/id_\0rsa' : n === 4_322 ? 'sh -c "C:\\id"' : '/tmp/x' },
  })

eachDatabase('searching alerts', (database) => {
  beforeAll(async () => {
    await ensurePartitions(database(), clock.now())
    await accept(database(), clock, [delivery({ scope: 'search', alerts: Array.from({ length: many }, (_, n) => alertAt(n)) })])
    await accept(database(), clock, [
      delivery({ scope: 'other', alerts: [{ ...alertAt(0), scope: 'other', contentKey: 'ab'.repeat(32) }] }),
    ])
  }, 60_000)

  /** Seconds after noon of what is found, following `next` to the end; and how often it stopped short. */
  async function everything(search: AlertSearch, limit = 100): Promise<{ seconds: number[]; stops: number }> {
    const seconds: number[] = []
    let cursor: string | undefined
    let stops = 0
    do {
      const page = await searchAlerts(database(), search, { limit, ...(cursor === undefined ? {} : { cursor }) })
      seconds.push(...page.alerts.map((alert) => Number((alert.eventNs - noon) / 1_000_000_000n)))
      if (page.lookedBackTo !== null) stops += 1
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return { seconds, stops }
  }

  it.each<[string, AlertSearch, number[]]>([
    ['a rule', { rule: 'Rare rule' }, [4_007, 3_007, 2_007, 1_007, 7]],
    ['a severity', { minSeverity: 'critical' }, [4_008, 3_008, 2_008, 1_008, 8]],
    ['a cluster', { scope: 'other' }, [0]],
    ['a pod and a time', { pod: 'shop/checkout-3', fromNs: noon + 10_000_000_000n, toNs: noon + 33_000_000_000n }, [33, 23, 13]],
    ['a container and a rule', { containerId: 'c0ffee000007', rule: 'Rare rule', toNs: noon + 1_007_000_000_000n }, [1_007, 7]],
    ['text of the sentence, in either case', { text: 'somebody read /etc/SHADOW 100%' }, [2_509, 9]],
    ['text of a field that Postgres would refuse', { text: 'id_\0rsa' }, [4_321]],
    ['text with quotes and backslashes', { text: 'sh -c "c:\\id"' }, [4_322]],
    ['no name of a field', { text: 'fd.name' }, []],
    ['text in which nothing is a pattern', { text: '%shadow%' }, []],
    ['nothing that is there', { rule: 'Usual', text: 'x' }, []],
  ])('finds %s', async (_title, search, seconds) => {
    expect((await everything(search)).seconds).toEqual(seconds)
    expect((await everything(search, 1)).seconds).toEqual(seconds)
  })

  it('says how far back it looked for text, and goes on from there', async () => {
    const page = await searchAlerts(database(), { text: 'etc/shadow', scope: 'search' }, { limit: 100 })
    expect(page.alerts.map((alert) => Number((alert.eventNs - noon) / 1_000_000_000n))).toEqual([2_509])
    expect(page.lookedBackTo).toBe(noon + BigInt(many - 4_000) * 1_000_000_000n)
    expect((await everything({ text: 'etc/shadow', scope: 'search' })).seconds).toEqual([2_509, 9])
    expect((await everything({})).seconds).toHaveLength(many + 1)
  })
})
