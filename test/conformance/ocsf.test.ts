import { open, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { asff } from '../../collectors/asff/asff.ts'
import { ocsf } from '../../collectors/ocsf/ocsf.ts'
import { prowler } from '../../collectors/prowler/prowler.ts'
import { findingKey } from '../../domain/finding.ts'
import { collect } from '../support/collect.ts'
import { conformance, filesOf, indexOf } from './data.ts'

conformance('OCSF, of which there are Prowler’s files', () => {
  it('is the same findings, read as Prowler’s or as anybody’s', async () => {
    const files = (await filesOf('prowler')).filter((path) => path.endsWith('.ocsf.json'))
    expect(files.length).toBeGreaterThan(3)
    for (const path of files) {
      const bytes = await readFile(path)
      const [own, general] = [
        await collect(bytes, { path, chunk: bytes.length }),
        await collect(bytes, { path, chunk: 1_000, format: 'ocsf' }),
      ]
      expect(general.counts).toMatchObject({
        format: 'ocsf',
        read: indexOf('prowler').get(basename(path))?.records,
        skipped: 0,
        deadLetters: 0,
      })
      const said = ({ findings }: typeof own): unknown[] =>
        findings.map((one) => [findingKey(one), one.outcome, one.severity, one.scan.scanner])
      expect(said(general)).toEqual(said(own))
    }
  })

  it('no file that is another’s is claimed', async () => {
    const ours = { asff, prowler, ocsf }
    for (const path of await filesOf('.')) {
      const file = await open(path)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(65_536), 0, 65_536, 0)
      await file.close()
      const sample = buffer.subarray(0, bytesRead).toString()
      for (const [name, collector] of Object.entries(ours))
        expect([path, name, collector.detect(sample, path)]).toEqual([path, name, path.includes(`/${name}/`)])
    }
  })
})
