/** An image that runs in a pod, and what scanners say of packages in it: for tests of use. */
import type { NewEntity, NewRelation } from '../../domain/entity.ts'
import type { NewFinding, NewScan } from '../../domain/finding.ts'
import { canonicalHash } from '../../domain/canonical-json.ts'
import type { Delivery } from '../../store/delivery.ts'
import { delivery, noon, podRecords } from './records.ts'

export const imageDigest = (name: string): string => `sha256:${canonicalHash(name).slice(3)}`

/** A pod whose container runs the image of this name. */
export function running(scope: string, pod: string, image: string, at?: bigint): Delivery & { containerId: string } {
  const { entities, relations, containerId } = podRecords({ name: pod }, scope, at)
  const key = imageDigest(image)
  const observedNs = at ?? noon - 1n
  const seen: NewEntity = {
    scope: 'global',
    kind: 'image',
    key,
    name: image,
    namespace: null,
    properties: { reference: image },
    observedNs,
    validFromNs: observedNs,
    deletedNs: null,
  }
  const uses: NewRelation = {
    from: { scope, kind: 'container', key: containerId },
    type: 'USES_IMAGE',
    to: { scope: 'global', kind: 'image', key },
    observedNs,
  }
  return { ...delivery({ entities: [...entities, seen], relations: [...relations, uses] }), containerId }
}

let scans = 0
/** A scan of the image that found one vulnerability in each package, at these paths. */
export function vulnerable(imageKey: string, packages: Readonly<Record<string, readonly string[]>>): Delivery {
  scans += 1
  const target = { kind: 'image' as const, scope: 'global', key: imageKey, name: imageKey, namespace: null }
  const scan: NewScan = {
    scope: 'lab',
    scanner: 'trivy',
    version: '1',
    target,
    covers: ['vulnerability'],
    contentKey: scans.toString(16).padStart(64, 'e'),
    observedNs: noon,
    observedFrom: 'report',
  }
  const findings = Object.entries(packages).map(([name, paths]): NewFinding => ({
    scope: 'lab',
    class: 'vulnerability',
    check: `CVE-2026-${name}`,
    aliases: [],
    title: `Flaw of ${name}`,
    description: null,
    remediation: null,
    references: [],
    severity: 'high',
    outcome: 'fail',
    outcomeReason: null,
    resource: target,
    package: { key: `pkg:generic/${name}@1`, name, version: '1', type: 'generic', fixedIn: ['2'], paths: [...paths] },
    cvss: null,
    properties: {},
    scan,
    document: {},
    raw: Buffer.from(`{"of":"${name}"}`),
  }))
  return delivery({ findings, scans: [{ scan, end: { findings: findings.length, failed: null } }] })
}
