import { sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { newId } from '../domain/ids.ts'
import { recordDecision } from '../store/decisions.ts'
import { accept } from '../store/intake.ts'
import { saveIncidents } from '../store/incidents.ts'
import { eachDatabase } from '../test/support/database.ts'
import { recordScan } from '../test/support/posture.ts'
import { containerId, delivery, newAlert, noon, podRecords, process_ } from '../test/support/records.ts'
import { image, osPackages, vulnerability } from '../test/support/trivy-reports.ts'
import { learnRunbooks } from './learn.ts'
import { search } from './search.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const base = {
  scope: 'lab',
  severity: 'high' as const,
  severityFloor: 'high' as const,
  severityReasons: [],
  correlationVersion: 't',
  alertCount: 1,
  firstNs: noon,
  lastNs: noon,
  tactics: [],
  techniques: ['T1059'],
  entityIds: [],
}

eachDatabase('searching', (database) => {
  const [shell, miner, merged] = [newId(), newId(), newId()]
  beforeAll(async () => {
    const db = database()
    const { entities, relations } = podRecords({ namespace: 'shop', name: 'checkout-1' })
    const pod = { namespace: 'shop', name: 'checkout-1', uid: null }
    const alerts = [0n, 1n, 2n].map((n) =>
      newAlert({
        eventNs: noon + n,
        rule: 'Netcat Remote Code Execution',
        pod,
        container: { id: containerId('c'), name: null, image: null },
        process: process_({ cmdline: 'nc -e /bin/sh' }),
        output: 'evil.example was called',
      }),
    )
    await accept(db, clock, [delivery({ scope: 'lab', alerts, entities, relations })])
    await db.transaction(async (tx) => {
      await saveIncidents(
        tx,
        [
          {
            ...base,
            id: shell,
            title: 'Reverse shells in shop/checkout',
            rules: ['Redirect STDOUT/STDIN to Network Connection in Container'],
          },
          { ...base, id: miner, title: 'Crypto mining in lab/batch', rules: ['Detect outbound connections to common miner pool ports'] },
          { ...base, id: merged, title: 'Reverse shell merged away', rules: [] },
        ],
        clock.now(),
      )
      await tx.query(sql`update incidents set merged_into = ${shell} where id = ${merged}`)
      const decided = { at: clock.now(), principalId: 'p', reason: '', links: [] }
      await recordDecision(tx, merged, {
        ...decided,
        id: newId(),
        decision: { kind: 'note', incident: merged, text: 'Asked the payments team about kubectl debugging\0' },
      })
      await recordDecision(tx, miner, {
        ...decided,
        reason: 'payments',
        id: newId(),
        decision: { kind: 'verdict', incident: miner, verdict: 'benign' },
      })
    })
    await learnRunbooks(db, clock)
    const low = vulnerability({ VulnerabilityID: 'CVE-2024-0002', Title: 'zlib overflows its buffer', PkgName: 'zlib1g', Severity: 'LOW' })
    await recordScan(db, clock, 'lab', image([osPackages([vulnerability(), low])]))
  })
  const found = async (text: string, over: object = {}) => (await search(database(), { text, limit: 10, ...over })).hits
  const first = async (text: string) => (await found(text)).slice(0, 1).map(({ kind, id, why }) => ({ kind, id, why }))

  it('finds incidents by words of title, rules and techniques, in any form of the word, and not those merged away', async () => {
    const incidents = async (text: string) => (await found(text, { kinds: ['incident'] })).map(({ id }) => id)
    expect(await incidents('reverse shell')).toEqual([shell])
    expect(await incidents('miner pools')).toEqual([miner])
    expect(new Set(await incidents('T1059'))).toEqual(new Set([shell, miner]))
    // All words before any.
    expect(await incidents('reverse shell mining')).toHaveLength(2)
    expect(await incidents('nothing of the kind')).toEqual([])
  })

  it('finds notes, under the incident that stands for theirs', async () => {
    expect(await found('payments team')).toMatchObject([
      { kind: 'note', id: shell, title: 'Asked the payments team about kubectl debugging\0' },
    ])
  })

  it('finds findings by check, package and words', async () => {
    expect(await first('CVE-2024-0002')).toMatchObject([{ kind: 'finding', why: expect.stringContaining('low, open') }])
    expect(await first('cve-2024-0002')).toMatchObject([{ kind: 'finding' }])
    expect((await found('zlib1g'))[0]?.title).toBe('CVE-2024-0002: zlib overflows its buffer')
    expect((await found('buffer overflow', { kinds: ['finding'] })).map(({ title }) => title)).toEqual([
      'CVE-2024-0002: zlib overflows its buffer',
    ])
  })

  it('finds entities and alerts by exact name, alike ones once', async () => {
    expect(await found('shop/checkout-1')).toMatchObject([
      { kind: 'alert', title: 'Netcat Remote Code Execution', why: 'its pod' },
      { kind: 'entity', title: 'pod shop/checkout-1' },
    ])
    for (const [text, why] of [
      ['Netcat Remote Code Execution', 'its rule'],
      [containerId('c'), 'its container'],
      ['EVIL.example', 'in its sentence or fields'],
    ] as const)
      expect((await found(text, { kinds: ['alert'] })).map((hit) => hit.why)).toEqual([why])
  })

  it('finds runbooks', async () => {
    expect((await found('reverse shell', { kinds: ['runbook'] }))[0]).toMatchObject({ id: 'reverse-shell' })
  })

  it('takes every text, and answers the same twice', async () => {
    for (const text of [
      `' " ) ( : * & | ! <-> -`,
      'or',
      '-a -b',
      '\0\u241b',
      '\ud800',
      '%',
      'a'.repeat(200),
      'not not',
      '"open',
      "d'une",
      '\\',
    ])
      expect(await found(text)).toEqual(await found(text))
  })

  it('has written each check once', async () => {
    expect(await database().query(sql`select check_id from finding_checks where check_id like 'CVE-%' order by 1`)).toEqual([
      { check_id: 'CVE-2024-0001' },
      { check_id: 'CVE-2024-0002' },
    ])
  })
})
