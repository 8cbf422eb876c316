/** What `bench -- collect` reads: each collector’s seed with its elements many times over, and two files far larger than memory should be. */
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { grown } from '../test/support/fuzz-inputs.ts'
import { seeds } from '../test/support/fuzz-seeds.ts'

export type Parser = 'json' | 'lines' | 'yaml' | 'table'
export type Input = { title: string; file: string; format: string; parser: Parser; large: boolean }

const megabyte = 1024 * 1024
const parsers: Readonly<Record<string, Parser>> = { 'a line each': 'lines', 'as YAML': 'yaml', 'as a table': 'table' }

export async function writeSeeds(folder: string): Promise<Input[]> {
  const grownOnes = seeds.filter(({ lists }) => lists.length > 0)
  return Promise.all(
    grownOnes.map(async (seed, index) => {
      const parser = Object.entries(parsers).find(([words]) => seed.name.endsWith(words))?.[1] ?? 'json'
      const file = join(folder, `seed-${index}`)
      // YAML takes a hundred times longer than JSON, whoever reads it.
      await writeFile(file, seed.write(grown(seed, parser === 'yaml' ? megabyte / 4 : 8 * megabyte)))
      return { title: seed.name, file, format: seed.collector, parser, large: false }
    }),
  )
}

/** An audit log, an event a line. */
export async function writeAuditLog(folder: string, megabytes: number): Promise<Input> {
  const file = join(folder, 'audit.log')
  await write(file, megabytes, '', (n) => `${JSON.stringify(auditEvent(n))}\n`, '')
  return { title: `audit log, ${megabytes} MB of NDJSON`, file, format: 'kubernetes-audit', parser: 'lines', large: true }
}

/** A report that is one JSON document. */
export async function writeTrivyReport(folder: string, megabytes: number): Promise<Input> {
  const file = join(folder, 'report.json')
  const around = { SchemaVersion: 2, CreatedAt: '2026-02-20T20:33:10Z', ArtifactName: 'app:1', ArtifactType: 'container_image' }
  const result = { Target: 'app:1 (debian 12.11)', Class: 'os-pkgs', Type: 'debian' }
  const begin = `${JSON.stringify(around).slice(0, -1)},"Results":[${JSON.stringify(result).slice(0, -1)},"Vulnerabilities":[`
  await write(file, megabytes, begin, (n) => `${n === 0 ? '' : ','}${JSON.stringify(vulnerability(n))}`, ']}]}')
  return { title: `Trivy report, ${megabytes} MB of one document`, file, format: 'trivy', parser: 'json', large: true }
}

async function write(file: string, megabytes: number, begin: string, element: (n: number) => string, end: string): Promise<void> {
  function* parts(): Iterable<string> {
    yield begin
    for (let n = 0, size = 0; size < megabytes * megabyte;) {
      let part = ''
      while (part.length < 65_536) part += element(n++)
      size += part.length
      yield part
    }
    yield end
  }
  await pipeline(Readable.from(parts()), createWriteStream(file))
}

const auditEvent = (n: number): object => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Request',
  auditID: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  stage: 'ResponseComplete',
  requestURI: `/api/v1/namespaces/shop/pods/cart-${n % 997}`,
  verb: ['get', 'list', 'watch', 'update', 'create'][n % 5],
  user: { username: 'system:serviceaccount:shop:ci', groups: ['system:serviceaccounts', 'system:authenticated'] },
  sourceIPs: ['10.0.0.1'],
  userAgent: 'kubectl/v1.33.0 (linux/amd64) kubernetes/8adc0f0',
  objectRef: { resource: 'pods', namespace: 'shop', name: `cart-${n % 997}`, apiVersion: 'v1' },
  responseStatus: { metadata: {}, code: 200 },
  requestReceivedTimestamp: '2026-05-04T03:02:01.123456Z',
  stageTimestamp: '2026-05-04T03:02:01.173456Z',
  annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'RBAC: allowed by RoleBinding "ci/shop"' },
})

const vulnerability = (n: number): object => ({
  VulnerabilityID: `CVE-2024-${10_000 + n}`,
  PkgName: `lib${n % 300}`,
  PkgIdentifier: { PURL: `pkg:deb/debian/lib${n % 300}@3.0-1?arch=amd64&distro=debian-12.11` },
  InstalledVersion: '3.0-1',
  FixedVersion: '3.0-2',
  Status: 'fixed',
  SeveritySource: 'debian',
  Title: 'a bad parser',
  Description: `It reads what it should not. ${'In some versions of it, a length that is not checked is used. '.repeat(8)}`,
  Severity: 'HIGH',
  CVSS: { nvd: { V3Vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N', V3Score: 7.5 } },
  References: Array.from({ length: 6 }, (_, index) => `https://example.com/advisories/${n}/${index}`),
  PublishedDate: '2024-01-01T00:00:00Z',
})
