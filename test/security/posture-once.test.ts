/**
 * Guarantee 25, for posture: reports and audit logs that two servers store at once, or whose server is killed with -9 in the middle and
 * which are then sent again, come out as if one server had stored each once: nothing lost, nothing twice, and every status what deriving
 * it again gives.
 */
import { sql } from 'kysely'
import { describe, expect, it, vi } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { deriveFindings } from '../../store/finding-life.ts'
import { type Delivery, emptyDelivery, addRecord } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'
import { createSource, newSourceSecret } from '../../store/sources.ts'
import { readInput } from '../../collectors/read.ts'
import { serverDatabase, serverUrl } from '../support/database.ts'
import { prepareHome, serveAt } from '../support/ingest-server.ts'
import { cases, full, seed } from '../support/sizes.ts'
import { randomFrom } from '../support/ingest-load.ts'

vi.setConfig({ testTimeout: full ? 1_800_000 : 120_000 })
const clock = new FixedClock('2026-11-24T12:00:00Z')
const pause = (ms: number): Promise<void> => new Promise((resume) => void setTimeout(resume, ms))

/** A report of Trivy on one image: these vulnerabilities, on that day. */
const trivy = (day: number, vulnerabilities: readonly number[]): string =>
  JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: `2026-11-0${day}T10:00:00Z`,
    ArtifactName: 'shop:1',
    ArtifactType: 'container_image',
    Metadata: { ImageID: `sha256:${'a'.repeat(64)}` },
    Results: [
      {
        Target: 'shop:1 (alpine 3.20)',
        Class: 'os-pkgs',
        Type: 'alpine',
        Vulnerabilities: vulnerabilities.map((n) => ({
          VulnerabilityID: `CVE-2026-${10_000 + n}`,
          PkgName: `pkg-${n % 50}`,
          InstalledVersion: '1.0',
          Severity: 'HIGH',
          Title: `vulnerability ${n}`,
        })),
      },
    ],
  })
const auditLog = (count: number): string =>
  Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: `event-${n}`,
      stage: 'ResponseComplete',
      requestURI: '/api/v1/namespaces/shop/pods',
      verb: 'list',
      user: { username: `user-${n % 7}`, groups: [] },
      sourceIPs: ['10.0.0.1'],
      objectRef: { resource: 'pods', namespace: 'shop', apiVersion: 'v1' },
      responseStatus: { code: 200 },
      requestReceivedTimestamp: new Date(Date.UTC(2026, 10, 1) + n * 1_000).toISOString(),
      stageTimestamp: new Date(Date.UTC(2026, 10, 1) + n * 1_000).toISOString(),
    }),
  ).join('\n')
const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => n + from)

/** All there is, without what differs from one database to another. */
async function stateOf(db: Database): Promise<Record<string, unknown>> {
  const [counts] = await db.query(sql<
    Record<string, unknown>
  >`select (select count(*) from findings) as findings, (select count(*) from finding_witnesses) as witnesses,
    (select count(*) from finding_observations) as observations, (select count(*) from scans) as scans, (select count(*) from scans where ended_at is null) as unfinished,
    (select count(*) from activities) as activities, (select count(*) from dead_letters) as letters,
    (select md5(string_agg(concat_ws(' ', check_id, package_key, status, reopened, first_ns, last_ns, status_ns), ',' order by finding_key)) from findings) as fates`)
  return counts as Record<string, unknown>
}
const byStatus = (db: Database): Promise<unknown[]> => db.query(sql`select status, count(*) as n from findings group by 1 order by 1`)

async function batchesOf(text: string, batchSize: number): Promise<Delivery[]> {
  const batches: Delivery[] = []
  await readInput(
    (async function* () {
      yield Buffer.from(text)
    })(),
    {
      path: 'report',
      batchSize,
      source: { sourceId: null, sourceName: 'report', scope: 'lab', receivedNs: 1n },
      onBatch: async ({ records }) => {
        const delivery = emptyDelivery({ sourceId: null, scope: 'lab' })
        for (const record of records) addRecord(delivery, record)
        batches.push(delivery)
      },
    },
  )
  return batches
}
/** The same report as if another scanner had made it. */
const byAnother = (deliveries: readonly Delivery[], scanner: string): Delivery[] =>
  deliveries.map((one) => ({
    ...one,
    findings: one.findings.map((finding) => ({
      ...finding,
      scan: { ...finding.scan, scanner, contentKey: `${finding.scan.contentKey.slice(0, -4)}beef` },
    })),
    scans: one.scans.map(({ scan, end }) => ({ scan: { ...scan, scanner, contentKey: `${scan.contentKey.slice(0, -4)}beef` }, end })),
  }))

type Reports = Record<'late' | 'second' | 'other', Delivery[]>

describe.skipIf(serverUrl === undefined)('two servers on one Postgres', () => {
  it('guarantee 25: store overlapping reports at once as one would have: nothing lost, nothing twice, every status right', async () => {
    const own = await serverDatabase(serverUrl as string)
    const servers = await Promise.all([openDatabase({ url: own.url }), openDatabase({ url: own.url })])
    const db = servers[0] as Database
    const log = await batchesOf(auditLog(300), 100)
    let observations = 0
    for (let round = 0; round < cases(40, 4); round += 1) {
      // Each round is about an image of its own: found on one day, half of it gone on the next, and seen by another scanner meanwhile.
      const image = (text: string): string =>
        text.replaceAll('a'.repeat(64), round.toString(16).padStart(64, '0')).replaceAll('shop:1', `shop:${round}`)
      const first = await batchesOf(image(trivy(1, upTo(120))), 40)
      const second = await batchesOf(image(trivy(2, upTo(60))), 40)
      const other = byAnother(await batchesOf(image(trivy(1, upTo(90, 30))), 40), 'other')
      const rounds = [
        [first, second, other, log],
        [other, second, first, log],
      ]
      const tallies = await Promise.all(
        rounds.map(async (those, server) => {
          const told = []
          for (const batch of those.flat()) told.push(...(await accept(servers[server] as Database, clock, [batch])))
          return told
        }),
      )
      observations += 120 + 60 + 90
      const accepted = tallies.flat().reduce((sum, tally) => sum + tally.accepted, 0)
      expect(accepted, `round ${round}`).toBe(120 + 60 + 90 + (round === 0 ? 300 : 0))
    }
    const before = await stateOf(db)
    expect(before).toMatchObject({ observations: BigInt(observations), activities: 300n, unfinished: 0n, letters: 0n })
    const ids = await db.query(sql<{ id: string }>`select id::text from findings`)
    await db.transaction((tx) =>
      deriveFindings(
        tx,
        ids.map(({ id }) => id),
      ),
    )
    expect(await stateOf(db)).toEqual(before)
    for (const server of servers) await server.close()
    await own.drop()
  })

  it.each([
    ['the end of a scan, and late findings of the one before', (at: Reports) => [at.second, at.late]],
    ['what another scanner sees, and the end of a scan that no longer sees it', (at: Reports) => [at.other, at.second]],
  ])('guarantee 25: of %s, neither hides the other, though each is written before the other is committed', async (_what, both) => {
    const own = await serverDatabase(serverUrl as string)
    const [one, two] = [await openDatabase({ url: own.url }), await openDatabase({ url: own.url })]
    const reports = {
      late: await batchesOf(trivy(1, [3]), 500),
      second: await batchesOf(trivy(2, [1]), 500),
      other: byAnother(await batchesOf(trivy(1, [2]), 500), 'other'),
    }
    await accept(one, clock, await batchesOf(trivy(1, [1, 2]).replace('vulnerability 1', 'as before'), 500))
    // Without the image itself, whose row would make one wait for the other: most scanners tell of none.
    const bare = (those: Delivery[] | undefined): Delivery[] =>
      (those ?? []).map((each) => ({ ...each, entities: [], aliases: [], relations: [] }))
    const [held, meanwhile] = both(reports).map(bare)
    let written = (): void => {}
    const isWritten = new Promise<void>((resolve) => (written = resolve))
    let commit = (): void => {}
    const mayCommit = new Promise<void>((resolve) => (commit = resolve))
    const slow: Database = {
      kind: one.kind,
      query: (statement) => one.query(statement),
      close: () => one.close(),
      transaction: (work) =>
        one.transaction(async (tx) => {
          const result = await work(tx)
          written()
          await mayCommit
          return result
        }),
    }
    const holding = accept(slow, clock, held ?? [])
    await isWritten
    const waiting = accept(two, clock, meanwhile ?? [])
    await Promise.race([waiting, pause(2_000)])
    commit()
    await Promise.all([holding, waiting])
    const before = await stateOf(one)
    const ids = await one.query(sql<{ id: string }>`select id::text from findings`)
    await one.transaction((tx) =>
      deriveFindings(
        tx,
        ids.map(({ id }) => id),
      ),
    )
    expect(await stateOf(one)).toEqual(before)
    await one.close()
    await two.close()
    await own.drop()
  })
})

describe.each([
  ['embedded', false],
  ['server', serverUrl === undefined],
] as const)('kill -9 in the middle of an import, %s database', (kind, skip) => {
  it.skipIf(skip)('guarantee 25: what is sent again is neither lost nor there twice', async ({ task }) => {
    const home = await prepareHome(kind)
    const random = randomFrom(seed)
    const inputs = [
      ['trivy', trivy(1, upTo(600))],
      ['trivy', trivy(2, upTo(300))],
      ['kubernetes-audit', auditLog(400)],
    ] as const
    const secrets = new Map<string, string>()
    const db = await home.open()
    for (const collector of ['trivy', 'kubernetes-audit']) {
      secrets.set(collector, newSourceSecret())
      await createSource(db, { name: collector, collector, scope: 'lab', secret: secrets.get(collector) as string, at: new Date() })
    }
    await db.close()
    const post = (address: string, collector: string, body: string): Promise<Response> =>
      fetch(new URL(`/ingest/${collector}`, address), {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${secrets.get(collector)}` },
      })
    const kills = cases(40, 1)
    for (let kill = 0; kill < kills; kill += 1) {
      const server = serveAt(home)
      const address = await server.address
      expect(address, server.output()).not.toBeNull()
      const sending = inputs.map(([collector, body]) => post(address as string, collector, body).catch(() => null))
      await pause(50 + random() * 1_000)
      await server.kill()
      await Promise.all(sending)
    }
    const server = serveAt(home)
    const address = (await server.address) as string
    const sum = async (): Promise<number[]> => {
      const accepted: number[] = []
      for (const [collector, body] of inputs) {
        const response = await post(address, collector, body)
        expect(response.status, server.output()).toBe(200)
        accepted.push(((await response.json()) as { accepted: number }).accepted)
      }
      return accepted
    }
    await sum()
    expect(await sum()).toEqual([0, 0, 0])
    await server.kill()
    const after = await home.open()
    expect(await stateOf(after)).toMatchObject({
      findings: 600n,
      witnesses: 600n,
      observations: 900n,
      scans: 2n,
      unfinished: 0n,
      activities: 400n,
      letters: 0n,
    })
    expect(await byStatus(after)).toEqual([
      { status: 'fixed', n: 300n },
      { status: 'open', n: 300n },
    ])
    await after.close()
    await home.drop()
    Object.assign(task.meta, { cases: kills })
  })
})
