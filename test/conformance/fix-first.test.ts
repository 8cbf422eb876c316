/** What to fix first of what others’ scanners and manifests say: every open finding has its fix, none is counted twice, and the first ones are printed. */
import { createReadStream } from 'node:fs'
import { relative } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { operations } from '../../apps/server/api/api.ts'
import { fixesText } from '../../apps/cli/fix-text.ts'
import { openSite, type Site } from '../support/site.ts'
import { conformance, dataFolder, filesOf } from './data.ts'

const importInput = operations.find((one) => one.id === 'importInput')

conformance('what to fix first of real reports', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
    for (const folder of ['trivy', 'grype', 'kubescape', 'k8s-manifests'])
      for (const path of await filesOf(folder)) {
        const stream = ReadableStream.from(createReadStream(path)) as ReadableStream<Uint8Array>
        const query = { path: relative(dataFolder, path), scope: 'lab' }
        const call = { falconer: site.falconer, who: site.people.administrator.actor, params: {}, query, body: undefined, stream }
        // What is no input of ours is for other tests.
        await importInput?.run(call as never).catch(() => undefined)
      }
    await site.settle()
  }, 600_000)
  afterAll(async () => site.close())

  it('has one for every open finding but licences', async () => {
    const [counted] = await site.db.query(sql<{ open: bigint; fixed: bigint; waiting: bigint }>`select
      (select count(*) from findings where status = 'open' and class <> 'licence') as open, (select sum(findings) from fixes)::bigint as fixed, (select count(*) from fix_marks) as waiting`)
    expect(counted?.open).toBeGreaterThan(1_000n)
    expect(counted?.fixed).toBe(counted?.open)
    expect(counted?.waiting).toBe(0n)
    const kinds = await site.db.query(sql<{
      kind: string
      fixes: bigint
      findings: bigint
      steps: bigint
      places: bigint
    }>`select kind, count(*) as fixes,
      sum(findings)::bigint as findings, sum(steps)::bigint as steps, sum(places)::bigint as places from fixes group by kind order by kind`)
    console.log(kinds.map((row) => Object.values(row).join(' ')).join('\n'))
    for (const kind of ['base_image', 'package', 'setting', 'step']) expect(kinds.map((row) => row.kind)).toContain(kind)
    // A base that several images share takes away more than any package does.
    const [widest] = await site.db.query(sql<{ kind: string }>`select kind from fixes order by findings desc, id limit 1`)
    expect(widest?.kind).toBe('base_image')
  })

  it('orders them, with reasons', async () => {
    const answer = await site.ask('/api/v1/fixes?limit=10', { as: { token: site.people.viewer.token } })
    const list = (await answer.json()) as Parameters<typeof fixesText>[0]
    console.log(fixesText(list))
    expect(list.fixes).toHaveLength(10)
    const scores = list.fixes.map(({ score }) => score)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    for (const fix of list.fixes) {
      expect(fix.reasons.length).toBeGreaterThan(5)
      expect(fix.findings + fix.steps.count).toBeGreaterThan(0)
    }
  })
})
