/** Every finding that scanners really wrote, exported and read again: a valid OCSF event each, and the very same finding. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { findingKey, type NewFinding } from '../../domain/finding.ts'
import { redact } from '../../domain/redact.ts'
import { findingEvent } from '../../notify/ocsf/finding.ts'
import { collect } from '../support/collect.ts'
import { asStored } from '../support/ocsf-posture.ts'
import { Event } from '../support/ocsf-schema.ts'
import { conformance, filesOf } from './data.ts'

const folders = ['trivy', 'grype', 'kube-bench', 'kubescape', 'prowler', 'asff', 'sarif-checkov', 'cyclonedx'] as const

/** What is no report of a scanner has none. */
const findingsIn = async (path: string): Promise<NewFinding[]> =>
  collect(await readFile(path), { chunk: 65_536 }).then(
    ({ findings }) => findings,
    () => [],
  )

conformance('findings exported as OCSF', () => {
  it.each(folders)(
    '%s',
    async (folder) => {
      const files = await filesOf(folder)
      const known = new Map<string, NewFinding>()
      for (const path of files) for (const one of await findingsIn(path)) known.set(findingKey(one), one)
      expect(known.size).toBeGreaterThan(10)
      const wrong: string[] = []
      const lines: string[] = []
      for (const one of known.values()) {
        const event = findingEvent(asStored(one))
        const parsed = Event.safeParse(JSON.parse(JSON.stringify(event)))
        if (!parsed.success) wrong.push(`${one.check} ${JSON.stringify(parsed.error.issues).slice(0, 300)}`)
        lines.push(JSON.stringify(event))
      }
      expect(wrong.slice(0, 5)).toEqual([])
      const { counts, findings, dead } = await collect(lines.join('\n'), { chunk: 65_536 })
      expect(dead).toEqual([])
      expect(counts.format).toBe('ocsf')
      const again = new Set(findings.map(findingKey))
      const lost = [...known].filter(([key]) => !again.has(key)).map(([, one]) => one)
      // An image that is called “secret:latest” looks like a secret: nothing leaves unmasked, not even a name.
      const masked = lost.filter(({ check, resource, package: found }) =>
        redact(`${check} ${resource.key} ${found?.key}`).includes('[redacted]'),
      )
      expect(lost.filter((one) => !masked.includes(one)).slice(0, 3)).toEqual([])
      expect(masked.length).toBeLessThan(known.size / 1_000 + 2)
      expect(again.size).toBeGreaterThanOrEqual(known.size - lost.length)
      console.log(`${folder}: ${known.size} findings of ${files.length} files, ${masked.length} with a masked name`)
    },
    600_000,
  )
})
