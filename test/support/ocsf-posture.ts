/** A scanner's finding as it is once stored, without a database: for exporting many of them. */
import type { NewFinding } from '../../domain/finding.ts'
import { newId } from '../../domain/ids.ts'
import type { FindingStatus } from '../../store/finding-life.ts'
import type { FindingFacts } from '../../notify/ocsf/finding.ts'

export function asStored(found: NewFinding, status: FindingStatus = 'open'): FindingFacts {
  const { resource, scan } = found
  const id = newId()
  const seen = { firstNs: scan.observedNs, lastNs: scan.observedNs, severity: found.severity, title: found.title }
  return {
    url: `http://localhost:8765/findings/${id}`,
    finding: {
      ...seen,
      id,
      scope: resource.scope === 'global' ? 'global' : found.scope,
      class: found.class,
      check: found.check,
      aliases: found.aliases,
      status,
      statusNs: scan.observedNs,
      reopened: false,
      resource: { kind: resource.kind, key: resource.key, name: resource.name, namespace: resource.namespace },
      package: found.package && { key: found.package.key, name: found.package.name },
      suppressedUntil: null,
      scanners: [scan.scanner],
    },
    witness: {
      ...seen,
      scanner: scan.scanner,
      version: scan.version,
      scope: scan.scope,
      target: scan.target.name,
      outcome: found.outcome,
      outcomeReason: found.outcomeReason,
      paths: found.package?.paths ?? [],
      data: {
        description: found.description,
        remediation: found.remediation,
        references: found.references,
        cvss: found.cvss,
        package: found.package,
        properties: found.properties,
      },
    },
  }
}
