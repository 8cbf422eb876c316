/**
 * Trivy’s JSON: of an image, a folder, a repository or a cluster, from the array before schema 2 on, and its operator’s reports. Packages and
 * SBOM reports are counted, not taken (an SBOM makes packages). SARIF, CycloneDX and SPDX are other collectors’.
 * Content key: of the scan SHA-256 over the report (of the operator’s its UID and version), the scope and what was scanned; of a finding its
 * class, its CVE or check, its package and what it is about.
 */
import { z } from 'zod'
import type { Collector, Piece } from '../collector.ts'
import { listName, split } from './layout.ts'
import { normaliseTrivy } from './normalise.ts'
import { elements, isElementList } from './shapes.ts'

export const trivy: Collector<unknown> = {
  name: 'trivy',
  title: 'Trivy report',
  produces: ['finding', 'scan', 'entity', 'relation', 'alias'],
  withholds: 'it may hold a secret that was found, or the image’s environment',
  connect: `An image, a folder, a repository or a whole cluster (\`--show-suppressed\` also brings what your ignore file hides, as muted):

\`\`\`sh
trivy image --format json --show-suppressed registry.example.com/app:1.2.3 | falconer import - --cluster {{scope}}
trivy k8s --report all --format json | falconer import - --cluster {{scope}}
\`\`\`

The reports of the Trivy operator, which Falconer also pulls by itself when it watches the cluster (\`FALCONER_PULL_MINUTES\`):

\`\`\`sh
kubectl get vulnerabilityreports,configauditreports,exposedsecretreports,rbacassessmentreports,infraassessmentreports,clusterrbacassessmentreports,clustercompliancereports -A -o json | falconer import - --cluster {{scope}}
\`\`\`

Or posted from a pipeline:

\`\`\`sh
trivy image --format json --output report.json registry.example.com/app:1.2.3
curl --data-binary @report.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/trivy
\`\`\`

What Trivy did not look for it cannot call fixed: let one pipeline scan one thing with the same \`--scanners\` every time.`,
  detect: (sample) =>
    (/^\s*[{[]/.test(sample) && /"ArtifactName"\s*:/.test(sample) && /"(SchemaVersion|ArtifactType)"\s*:/.test(sample)) ||
    /^\s*\{\s*("SchemaVersion"\s*:\s*\d+\s*,\s*)?"ClusterName"\s*:/.test(sample) ||
    (/^\s*\[\s*\{\s*"Target"\s*:/.test(sample) && /"(Type|Class|Vulnerabilities|Misconfigurations|Secrets)"\s*:/.test(sample)) ||
    (/^\s*[{[]/.test(sample) &&
      /"apiVersion"\s*:\s*"aquasecurity\.github\.io\//.test(sample) &&
      /"kind"\s*:\s*"(Cluster)?(Vulnerability|ConfigAudit|ExposedSecret|RbacAssessment|InfraAssessment|Compliance|Sbom)Report"/.test(
        sample,
      )),
  split,
  raw: (piece: Piece) => {
    const name = listName(piece)
    return piece.end !== true && isElementList(name) ? elements[name] : z.unknown()
  },
  normalise: normaliseTrivy,
}
