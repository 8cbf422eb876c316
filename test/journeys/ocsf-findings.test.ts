/** Findings of scanners in, OCSF out: every one once over pages of any size, valid, in its state; and another Falconer has the same findings. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Event } from '../support/ocsf-schema.ts'
import { openSite, type Site } from '../support/site.ts'

const digest = `sha256:${'a'.repeat(64)}`
const scan = (at: string, ...ids: string[]): string =>
  JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: at,
    ArtifactName: 'shop/checkout:1.4.2',
    ArtifactType: 'container_image',
    Metadata: { ImageID: digest, OS: { Family: 'alpine', Name: '3.19' } },
    Results: [
      {
        Target: 'shop/checkout:1.4.2 (alpine 3.19)',
        Class: 'os-pkgs',
        Type: 'alpine',
        Vulnerabilities: ids.map((id) => ({
          VulnerabilityID: id,
          PkgName: `lib${id.slice(-2)}`,
          InstalledVersion: '1.0-r0',
          FixedVersion: '1.0-r1',
          PkgIdentifier: { PURL: `pkg:apk/alpine/lib${id.slice(-2)}@1.0-r0?arch=x86_64` },
          Severity: 'HIGH',
          Title: `${id} with password=hunter2hunter2`,
          References: ['https://example.org/a'],
          CVSS: { nvd: { V3Score: 8.1, V3Vector: 'CVSS:3.1/AV:N' } },
        })),
      },
    ],
  })
const ids = Array.from({ length: 23 }, (_, index) => `CVE-2026-${10_000 + index}`)

describe('findings as OCSF', () => {
  let site: Site
  let other: Site
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-25T12:00:00Z' })
    other = await openSite({ now: '2026-11-25T12:00:00Z' })
    const as = { token: site.people.administrator.token }
    for (const body of [scan('2026-11-23T10:00:00Z', ...ids), scan('2026-11-24T10:00:00Z', ...ids.slice(3))])
      expect((await site.ask('/api/v1/import?path=scan.json', { method: 'POST', as, body })).status).toBe(200)
  })
  afterAll(async () => {
    await site?.close()
    await other?.close()
  })
  async function fetched(query = '', from = site): Promise<Record<string, unknown>[]> {
    const events: Record<string, unknown>[] = []
    for (let cursor = ''; ;) {
      const answer = await from.ask(`/api/v1/ocsf/findings?${query}${cursor}`, { as: { token: from.people.viewer.token } })
      expect(answer.status).toBe(200)
      const { events: some, next } = (await answer.json()) as { events: Record<string, unknown>[]; next: string | null }
      events.push(...some)
      if (next === null) return events
      cursor = `&cursor=${next}`
    }
  }
  const checkOf = (event: Record<string, unknown>): string => (event.finding_info as { analytic: { uid: string } }).analytic.uid

  it('each once, whatever the size of a page, valid and without secrets', async () => {
    const all = await fetched()
    expect(all.map(checkOf).sort()).toEqual(ids)
    for (const event of all) Event.parse(event)
    for (const limit of [1, 7, 23, 24]) expect(await fetched(`limit=${limit}`)).toEqual(all)
    expect(JSON.stringify(all)).not.toContain('hunter2hunter2')
    expect(all[5]).toMatchObject({
      class_uid: 2002,
      resources: [{ uid: digest, type: 'image', labels: ['scope:global'] }],
      vulnerabilities: [
        {
          cve: { cvss: [{ version: '3.1', base_score: 8.1 }] },
          affected_packages: [{ version: '1.0-r0', fixed_in_version: '1.0-r1', package_manager: 'apk' }],
          is_fix_available: true,
        },
      ],
    })
  })

  it('tells what is fixed by its status, and since a moment only what was seen or changed since', async () => {
    const all = await fetched()
    expect(
      all
        .filter(({ status }) => status === 'Resolved')
        .map(checkOf)
        .sort(),
    ).toEqual(ids.slice(0, 3))
    expect(all.filter(({ activity_name }) => activity_name === 'Close')).toHaveLength(3)
    expect(await fetched('since=2026-11-24')).toHaveLength(23)
    expect(await fetched('since=2026-11-25')).toEqual([])
  })

  it('another Falconer that imports them has the same findings, open and fixed', async () => {
    const lines = (await fetched()).map((event) => JSON.stringify(event)).join('\n')
    const as = { token: other.people.administrator.token }
    const answer = await other.ask('/api/v1/import?path=findings.ndjson', { method: 'POST', as, body: lines })
    expect(await answer.json()).toMatchObject({ format: 'ocsf', read: 23, accepted: 23, deadLetters: 0 })
    const states = async (from: Site): Promise<string[]> =>
      (await fetched('', from))
        .map((event) => `${checkOf(event)} ${(event.resources as { uid: string }[])[0]?.uid} ${event.status as string}`)
        .sort()
    expect(await states(other)).toEqual(await states(site))
  })

  it('asks for who may, and says what is wrong', async () => {
    const as = { token: site.people.viewer.token }
    expect((await site.ask('/api/v1/ocsf/findings')).status).toBe(401)
    for (const query of ['cursor=x', 'since=yesterday', 'limit=501', 'cursor=1_019aa000-0000-7000-8000-00000000cafe'])
      expect((await site.ask(`/api/v1/ocsf/findings?${query}`, { as })).status, query).toBe(400)
    for (const what of ['incidents', 'alerts']) expect((await site.ask(`/api/v1/ocsf/${what}?cursor=x`, { as })).status).toBe(400)
    expect(await (await site.ask('/api/v1/ocsf/incidents', { as })).json()).toEqual({ events: [], next: null })
  })
})
