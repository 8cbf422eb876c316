/**
 * What scanners’ operators keep in a cluster, pulled through the real client: page by page, only what is new or changed, nothing concluded from
 * what is gone or cannot be read; shared by two servers; and with kill -9 in the middle nothing is lost and nothing doubled.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { coverage } from '../../store/coverage-ledger.ts'
import { composeFalconer, type Falconer } from '../../apps/server/falconer.ts'
import { Pulling } from '../../apps/server/pull.ts'
import { loadConfig } from '../../config/config.ts'
import { FixedClock } from '../../domain/clock.ts'
import type { Database } from '../../store/database.ts'
import { listPulls, type Pull } from '../../store/pulls.ts'
import { getSource, setSourceDisabled, type Source } from '../../store/sources.ts'
import { eachDatabase, serverUrl } from '../support/database.ts'
import { type Kind, prepareHome, serveAt } from '../support/ingest-server.ts'
import { full } from '../support/sizes.ts'
import {
  configurationScan,
  type OperatorCluster,
  pluralOf,
  startOperatorCluster,
  vulnerabilityManifest,
  vulnerabilityReport,
  vulnerabilityReports,
} from '../support/operator-reports.ts'

vi.setConfig({ testTimeout: 300_000 })
const reports = 300
const names = Array.from({ length: reports }, (_, index) => `web-${index}`)
const cves = ['CVE-2024-0001', 'CVE-2024-0002']
const count = async (db: Database, table: string): Promise<number> =>
  Number((await db.query(sql<{ n: bigint }>`select count(*) as n from ${sql.table(table)}`))[0]?.n)
const statuses = async (db: Database, image: string): Promise<string[]> =>
  (await db.query(sql<{ s: string }>`select check_id || ' ' || status as s from findings where resource_name = ${image} order by 1`)).map(
    (row) => row.s,
  )
const imageOf = (name: string): string => `index.docker.io/shop/${name}:1`

eachDatabase('pulling', (database) => {
  const folder = mkdtempSync(join(tmpdir(), 'falconer-pull-'))
  let operators: OperatorCluster
  let falconer: Falconer
  let clock: FixedClock
  let scope = 0
  let pulling: Pulling

  const open = async (): Promise<Falconer> => {
    const settings = loadConfig({ FALCONER_DATA: folder, FALCONER_SCOPE: `lab${scope}`, FALCONER_LOG: 'silent' }, {})
    return composeFalconer(settings, { clock, database: database(), as: 'command', quietMs: 0 })
  }
  beforeAll(() => {
    clock = new FixedClock('2026-11-23T12:00:00Z')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  beforeEach(async () => {
    scope += 1
    await database().query(sql`truncate pull_cursors, pulled_objects, finding_observations, finding_witnesses, findings, scans cascade`)
    operators = await startOperatorCluster()
    falconer = await open()
    pulling = new Pulling(falconer, operators.kubeConfig)
  })
  afterEach(async () => {
    await operators.cluster.stop()
  })

  /** A period later, all that is due. */
  const pullAll = async (minutes = 20): Promise<void> => {
    clock.advance(minutes * 60_000)
    while (await pulling.next());
  }
  const pull = async (resource = vulnerabilityReports): Promise<Pull | undefined> =>
    (await listPulls(database())).find((one) => one.resource === resource)
  const source = async (operator = 'trivy-operator'): Promise<Source | undefined> => getSource(database(), `lab${scope}-${operator}`)
  const gaps = async (): Promise<string[]> =>
    (await coverage(falconer, { limit: 1_000, scope: `lab${scope}` })).covered.flatMap((one) =>
      one.gaps.map((gap) => `${one.kind} ${one.name}: ${gap.kind}`),
    )
  const allReports = (): void => {
    operators.install('VulnerabilityReport')
    for (const name of names) operators.put('VulnerabilityReport', vulnerabilityReport(name, cves))
  }

  it('reads 300 reports once, then only what is new or changed; what is gone is not fixed, only no longer observed', async () => {
    const db = database()
    allReports()
    await pullAll()
    expect(operators.reads()).toBe(reports)
    expect([await count(db, 'scans'), await count(db, 'findings'), await count(db, 'finding_observations')]).toEqual([300, 600, 600])
    expect(await source()).toMatchObject({ accepted: 600, duplicates: 0, deadLetters: 0, expectedMs: 45 * 60_000, lastSeenAt: clock.now() })
    expect(await pull()).toMatchObject({ state: 'read', objects: reports, detail: null })

    await pullAll()
    expect(operators.reads()).toBe(0)
    expect(await source()).toMatchObject({ accepted: 600, duplicates: 0, lastSeenAt: clock.now() })

    operators.put('VulnerabilityReport', vulnerabilityReport('web-0', cves.slice(1), '2026-11-23T12:30:00Z'))
    operators.put('VulnerabilityReport', vulnerabilityReport('web-new', cves))
    for (const name of ['web-1', 'web-2', 'web-3']) operators.cluster.store.remove(vulnerabilityReports, 'shop', name, {}, false)
    // Another object under a name that was there before.
    operators.put('VulnerabilityReport', vulnerabilityReport('web-3', cves.slice(0, 1), '2026-11-23T12:30:00Z'))
    await pullAll()
    expect(operators.reads()).toBe(3)
    expect(await statuses(db, imageOf('web-0'))).toEqual(['CVE-2024-0001 fixed', 'CVE-2024-0002 open'])
    expect(await statuses(db, imageOf('web-1'))).toEqual(['CVE-2024-0001 open', 'CVE-2024-0002 open'])
    expect(await statuses(db, imageOf('web-3'))).toEqual(['CVE-2024-0001 open', 'CVE-2024-0002 fixed'])
    expect(await pull()).toMatchObject({ state: 'read', objects: reports - 1 })
    expect((await gaps()).filter((gap) => gap.endsWith('gone')).sort()).toEqual(
      ['web-1', 'web-2'].map((name) => `scan ${imageOf(name)}: gone`),
    )

    operators.put('VulnerabilityReport', vulnerabilityReport('web-1', cves, '2026-11-23T12:50:00Z'))
    await pullAll()
    expect((await gaps()).filter((gap) => gap.endsWith('gone'))).toEqual([`scan ${imageOf('web-2')}: gone`])
  })

  it('says of what the cluster does not serve that it is not installed, and reads it once it is', async () => {
    await pullAll()
    expect(await pull()).toMatchObject({ state: 'absent', objects: 0 })
    expect((await source())?.lastSeenAt).toBeNull()
    expect(await gaps()).toEqual(
      expect.arrayContaining([`source lab${scope}-trivy-operator: absent`, `source lab${scope}-kubescape-operator: absent`]),
    )
    operators.install('VulnerabilityReport')
    operators.put('VulnerabilityReport', vulnerabilityReport('web-0', cves))
    await pullAll()
    expect(await pull()).toMatchObject({ state: 'read', objects: 1 })
    expect(await pull(pluralOf('ClusterComplianceReport'))).toMatchObject({ state: 'absent' })
    const { covered } = await coverage(falconer, { limit: 10, scope: `lab${scope}` })
    expect(covered.find(({ by }) => by === 'trivy')?.gaps[0]?.says).toMatch(
      /serves no clustercompliancereports,.* nothing is known from them/,
    )
  })

  it('begins a list anew that the server has forgotten, and concludes nothing from one it cannot have whole', async () => {
    const db = database()
    allReports()
    let forgotten = 1
    operators.refuse = ({ continued }) =>
      continued && forgotten-- > 0 ? { status: 410, message: 'The provided continue parameter is too old' } : undefined
    await pullAll()
    expect(await pull()).toMatchObject({ state: 'read', objects: reports })
    expect(await count(db, 'scans')).toBe(reports)
    for (const [status, message] of [
      [410, 'too old'],
      [500, 'etcdserver: request timed out'],
      [403, 'forbidden'],
      [429, 'too many requests'],
    ] as const) {
      operators.refuse = ({ path, continued }) =>
        path.endsWith('/vulnerabilityreports') && (continued || status !== 410) ? { status, message } : undefined
      await pullAll()
      expect(await pull()).toMatchObject({ state: 'failed', objects: reports, detail: expect.stringContaining(message) })
      expect(await gaps()).toContain(`source lab${scope}-trivy-operator: failed`)
    }
    expect((await gaps()).filter((gap) => gap.endsWith('gone'))).toEqual([])
    operators.refuse = null
    operators.reads()
    // What failed is tried sooner than the period.
    await pullAll(6)
    expect(await pull()).toMatchObject({ state: 'read', detail: null })
    expect(operators.reads()).toBe(0)
  })

  it('one object that cannot be read keeps no other waiting; one that does not fit is a dead letter, once', async () => {
    operators.install('VulnerabilityReport')
    for (const name of names.slice(0, 20)) operators.put('VulnerabilityReport', vulnerabilityReport(name, cves))
    const broken = vulnerabilityReport('broken', cves) as unknown as { report: { artifact: unknown } }
    operators.put('VulnerabilityReport', { ...broken, report: { ...broken.report, artifact: 7 } } as never)
    operators.refuse = ({ path }) => (path.endsWith('/web-7') ? { status: 500, message: 'cannot be decoded' } : undefined)
    await pullAll()
    expect(await pull()).toMatchObject({
      state: 'failed',
      objects: 21,
      detail: '1 of 21 objects could not be read: shop/web-7: the API server answered 500: cannot be decoded',
    })
    expect(await count(database(), 'scans')).toBe(19)
    const letters = (await source())?.deadLetters
    expect(letters).toBeGreaterThan(0)
    operators.refuse = null
    operators.reads()
    await pullAll()
    expect(operators.reads()).toBe(1)
    expect(await source()).toMatchObject({ deadLetters: letters, accepted: 40 })
    expect(await pull()).toMatchObject({ state: 'read' })
  })

  it('reads Kubescape’s objects one by one, for its lists hold nothing, and of images only what is whole', async () => {
    const db = database()
    operators.install('WorkloadConfigurationScan', 'VulnerabilityManifest')
    for (const name of names.slice(0, 5)) operators.put('WorkloadConfigurationScan', configurationScan(name))
    operators.put('VulnerabilityManifest', vulnerabilityManifest('web-0'))
    operators.put('VulnerabilityManifest', vulnerabilityManifest('web-0-used', true))
    await pullAll()
    expect(operators.reads()).toBe(7)
    expect(await source('kubescape-operator')).toMatchObject({ accepted: 6, deadLetters: 0 })
    expect(await db.query(sql`select scanner, count(*)::int as n from scans group by scanner order by 1`)).toEqual([
      { scanner: 'grype', n: 1 },
      { scanner: 'kubescape', n: 5 },
    ])
    operators.put('WorkloadConfigurationScan', configurationScan('web-0', 'passed'))
    await pullAll()
    expect(operators.reads()).toBe(1)
    expect(
      await db.query(sql`select status, count(*)::int as n from findings where class = 'misconfiguration' group by status order by 1`),
    ).toEqual([
      { status: 'fixed', n: 1 },
      { status: 'open', n: 4 },
    ])
  })

  it('stores nothing of an object whose version cannot be stored with it', async () => {
    const db = database()
    operators.install('VulnerabilityReport')
    for (const name of names.slice(0, 3)) operators.put('VulnerabilityReport', vulnerabilityReport(name, cves))
    await db.query(sql`alter table pulled_objects add constraint none_today check (place not like '%web-1')`)
    await pullAll()
    await db.query(sql`alter table pulled_objects drop constraint none_today`)
    expect(await pull()).toMatchObject({
      state: 'failed',
      detail: expect.stringMatching(/^1 of 3 objects could not be read: vulnerabilityreports shop\/web-1: /),
    })
    expect([await count(db, 'scans'), await count(db, 'findings'), (await source())?.accepted]).toEqual([2, 4, 4])
    await pullAll()
    expect(await pull()).toMatchObject({ state: 'read' })
    expect([await count(db, 'scans'), await count(db, 'findings'), (await source())?.accepted]).toEqual([3, 6, 6])
  })

  it('two servers share the work: each object is read by one of them', async () => {
    const other = new Pulling(await open(), operators.kubeConfig)
    await pullAll()
    await other.next()
    allReports()
    operators.install('ClusterComplianceReport')
    operators.asked()
    clock.advance(20 * 60_000)
    const all = async (one: Pulling): Promise<void> => {
      while (await one.next());
    }
    await Promise.all([all(pulling), all(other)])
    expect(operators.reads()).toBe(reports)
    expect(await source()).toMatchObject({ accepted: 600, duplicates: 0 })
  })

  it('what a server held that died is another’s when its time is over; a disabled source is not pulled', async () => {
    allReports()
    await pullAll()
    clock.advance(20 * 60_000)
    operators.put('VulnerabilityReport', vulnerabilityReport('web-0', [], '2026-11-23T12:30:00Z'))
    const until = new Date(clock.now().getTime() + 60_000)
    await database().query(sql`update pull_cursors set held_by = gen_random_uuid(), held_until = ${until}`)
    expect(await pulling.next()).toBe(false)
    operators.asked()
    await pullAll(2)
    expect(operators.reads()).toBe(1)
    await setSourceDisabled(database(), (await source())?.id ?? '', clock.now())
    operators.asked()
    await pullAll()
    expect(operators.asked().filter((path) => path.includes('aquasecurity'))).toEqual([])
  })
})

describe.each(['embedded', 'server'] as const)('pulling with kill -9 (%s)', (kind: Kind) => {
  it.skipIf(kind === 'server' && serverUrl === undefined)('loses nothing and doubles nothing', async () => {
    const home = await prepareHome(kind)
    const operators = await startOperatorCluster()
    const kubeconfig = join(home.folder, 'reader.kubeconfig')
    writeFileSync(kubeconfig, operators.cluster.kubeconfig('reader'))
    operators.install('VulnerabilityReport')
    for (const name of names) operators.put('VulnerabilityReport', vulnerabilityReport(name, cves))
    const settings = { FALCONER_KUBECONFIG: kubeconfig, FALCONER_SCOPE: 'lab', FALCONER_PULL_MINUTES: '0.02' }
    let read = 0
    try {
      for (const stopAt of [...(full ? [1, 30, 91, 220] : []), 60, 160, Number.POSITIVE_INFINITY].sort((a, b) => a - b)) {
        if (kind === 'server') {
          const db = await home.open()
          await db.query(sql`update pull_cursors set held_until = null`)
          await db.close()
        }
        const server = serveAt(home, settings)
        try {
          let quiet = 0
          await vi.waitUntil(
            () => {
              const now = operators.reads()
              read += now
              quiet = now > 0 || read < reports ? 0 : quiet + 1
              return stopAt === Number.POSITIVE_INFINITY ? quiet > 100 : read >= stopAt
            },
            { timeout: 120_000, interval: 20 },
          )
        } finally {
          await server.kill()
        }
      }
      const db = await home.open()
      try {
        expect([await count(db, 'scans'), await count(db, 'findings'), await count(db, 'finding_observations')]).toEqual([300, 600, 600])
        expect(await count(db, 'pulled_objects')).toBe(reports)
        // Counted in the commit of the records: what was committed twice, or never, would show.
        expect(await getSource(db, 'lab-trivy-operator')).toMatchObject({ accepted: 600, duplicates: 0, deadLetters: 0 })
        expect(read).toBeGreaterThan(reports)
      } finally {
        await db.close()
      }
    } finally {
      await operators.cluster.stop()
      await home.drop()
    }
  })
})
