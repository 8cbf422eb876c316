/** A scanner’s reports from their arrival to the page: found, fixed, back again, suppressed by a person until a day; and what was not looked at. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addSource } from '../../apps/server/sources.ts'
import { operator, openSite, type Site } from '../support/site.ts'

const id = `sha256:${'c'.repeat(64)}`
const report = (at: string, ...cves: string[]): string =>
  JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: at,
    ArtifactName: 'shop/checkout:1.4',
    ArtifactType: 'container_image',
    Metadata: { ImageID: id },
    Results: [
      {
        Target: 'shop/checkout:1.4 (alpine 3.19)',
        Class: 'os-pkgs',
        Type: 'alpine',
        Vulnerabilities: cves.map((VulnerabilityID) => ({
          VulnerabilityID,
          PkgName: 'busybox',
          InstalledVersion: '1.36.1-r1',
          FixedVersion: '1.36.1-r7',
          Severity: 'HIGH',
          Title: `<b>${VulnerabilityID}</b> of busybox`,
        })),
      },
    ],
  })
const textOf = (page: string): string => page.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

type Listed = { findings: { id: string; check: string; status: string; reopened: boolean }[]; freshness: string }
type Coverage = { covered: { kind: string; name: string; gaps: { kind: string; since: string | null }[] }[]; withGaps: number }

describe('findings', () => {
  let site: Site
  let secret: string
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-20T12:00:00Z' })
    ;({ secret } = await addSource(site.falconer, operator, { name: 'trivy', collector: 'trivy', scope: 'lab' }))
  })
  afterAll(async () => site.close())

  const send = async (body: string): Promise<unknown> => (await site.ask(`/ingest/trivy/${secret}`, { method: 'POST', body })).json()
  const read = async <T>(path: string): Promise<T> => {
    const answer = await site.ask(`/api/v1${path}`, { as: { token: site.people.viewer.token } })
    expect(answer.status, path).toBe(200)
    return (await answer.json()) as T
  }
  const list = async (query = 'status=any'): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await read<Listed>(`/findings?${query}`)).findings.map((one) => [one.check, one.status + (one.reopened ? ' again' : '')]),
    )
  const page = async (path: string): Promise<string> => textOf(await (await site.ask(path, { as: site.people.viewer })).text())

  it('say, before any scanner has reported, that nothing is known', async () => {
    expect(await page('/findings')).toMatch(/No scanner has reported yet So nothing is known/)
    expect((await read<Listed>('/findings')).freshness).toMatch(/nothing is known/)
    expect((await read<Coverage>('/coverage')).covered.find((one) => one.name === 'trivy')?.gaps[0]).toEqual({
      kind: 'never',
      since: null,
      says: 'Nothing of it was ever observed.',
    })
  })

  it('are open while they are seen, fixed when a newer scan does not see them, and come back', async () => {
    expect(await send(report('2026-11-20T10:00:00Z', 'CVE-2026-0001', 'CVE-2026-0002'))).toEqual({
      accepted: 2,
      duplicates: 0,
      internal: 0,
      deadLetters: 0,
      scans: 1,
    })
    expect(await send(report('2026-11-20T10:00:00Z', 'CVE-2026-0001', 'CVE-2026-0002'))).toMatchObject({ accepted: 0, duplicates: 2 })
    expect(await list()).toEqual({ 'CVE-2026-0001': 'open', 'CVE-2026-0002': 'open' })
    await send(report('2026-11-20T11:00:00Z', 'CVE-2026-0002'))
    expect(await list()).toEqual({ 'CVE-2026-0001': 'fixed', 'CVE-2026-0002': 'open' })
    await send(report('2026-11-20T11:30:00Z'))
    expect(await list()).toEqual({ 'CVE-2026-0001': 'fixed', 'CVE-2026-0002': 'open' })
    const { covered } = await read<Coverage>('/coverage')
    expect(covered.find((one) => one.kind === 'scan')).toMatchObject({
      name: 'shop/checkout:1.4',
      gaps: [{ kind: 'empty', since: '2026-11-20T11:00:00.000Z' }],
    })
    expect(await page('/coverage')).toMatch(/not observed since 2026-11-20 11:00:00 Its newest scan is empty/)
    await send(report('2026-11-20T11:45:00Z', 'CVE-2026-0001', 'CVE-2026-0002'))
    expect(await list()).toEqual({ 'CVE-2026-0001': 'open again', 'CVE-2026-0002': 'open' })
  })

  it('are told with every scanner’s own words, as text', async () => {
    const one = (await read<Listed>('/findings?check=CVE-2026-0001')).findings[0]
    const raw = await (await site.ask(`/findings/${one?.id}`, { as: site.people.viewer })).text()
    expect(raw).not.toContain('<b>CVE')
    expect(textOf(raw)).toMatch(/Update busybox to 1\.36\.1-r7\..*trivy sees it/)
    expect(raw).not.toContain('name="reason"')
    expect((await site.ask('/findings/019a0000-0000-7000-8000-000000000000', { as: site.people.viewer })).status).toBe(404)
  })

  it('are suppressed by a named person until a day, and come back by themselves', async () => {
    const finding = (await read<Listed>('/findings?check=CVE-2026-0002')).findings[0]
    const form = { days: '10', reason: 'not reachable' }
    const path = `/findings/${finding?.id}/suppress`
    expect((await site.ask(path, { as: site.people.investigator, form })).status).toBe(403)
    expect((await site.ask(path, { as: site.people.responder, form: { ...form, reason: ' ' } })).status).toBe(400)
    expect((await site.ask(path, { as: site.people.responder, form: { ...form, days: '366' } })).status).toBe(400)
    expect((await site.ask(path, { as: site.people.responder, form })).status).toBe(303)
    expect(await list()).toMatchObject({ 'CVE-2026-0002': 'suppressed' })
    expect(await list('status=open')).toEqual({ 'CVE-2026-0001': 'open again' })
    expect(await page(`/findings/${finding?.id}`)).toMatch(
      /Suppressed until 2026-11-30 12:00:00 Somebody responder, 2026-11-20 12:00:00 not reachable/,
    )
    site.clock.advance(10 * 86_400_000 + 1)
    expect(await list()).toMatchObject({ 'CVE-2026-0002': 'open' })
    const back = await site.ask(`/api/v1/findings/${finding?.id}/suppress`, {
      as: { token: site.people.responder.token },
      json: { days: 1, reason: 'again' },
    })
    expect(await back.json()).toMatchObject({ status: 'suppressed' })
    const undone = await site.ask(`/api/v1/findings/${finding?.id}/unsuppress`, {
      as: { token: site.people.responder.token },
      json: { reason: 'open now' },
    })
    expect(await undone.json()).toMatchObject({ status: 'open' })
  })

  it('are old when nobody looked for long, and the source is silent', async () => {
    const { covered, withGaps } = await read<Coverage>('/coverage')
    expect(withGaps).toBeGreaterThanOrEqual(2)
    expect(covered.find((one) => one.kind === 'scan')?.gaps).toMatchObject([{ kind: 'silent', since: '2026-11-20T11:45:00.000Z' }])
    expect(covered.find((one) => one.name === 'trivy')?.gaps[0]).toMatchObject({ kind: 'silent' })
    expect((await read<Listed>('/findings')).freshness).toMatch(/of 1 of them the newest scan is empty, failed, unfinished, undated or old/)
    const expect30 = await site.ask('/api/v1/sources/trivy/expect', {
      as: { token: site.people.administrator.token },
      json: { minutes: 525_600 },
    })
    expect(await expect30.json()).toMatchObject({ expectedMs: 525_600 * 60_000 })
    expect((await read<Coverage>('/coverage')).covered.find((one) => one.name === 'trivy')?.gaps).toEqual([])
  })

  it('are listed page by page without a gap or a double', async () => {
    await send(report('2026-11-30T11:45:00Z', ...Array.from({ length: 75 }, (_, n) => `CVE-2025-${1_000 + n}`)))
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const answer: Listed & { next: string | null } = await read(
        `/findings?status=open&limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`,
      )
      seen.push(...answer.findings.map((one) => one.check))
      cursor = answer.next
    }
    expect(seen).toHaveLength(75)
    expect(new Set(seen).size).toBe(75)
  })
})
