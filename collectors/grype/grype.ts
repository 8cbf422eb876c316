/**
 * Grype’s JSON (0.7 and later): each match is a finding, each ignored match a muted one with the rule that hid it. Not taken: its alerts
 * about packages, and what is written around the matches beyond source, distribution and descriptor. Kubescape’s operator keeps such reports.
 * Content key: of the scan SHA-256 over the report (of an object its UID and version), the scope and what was scanned; of a finding its CVE, its package and what was scanned.
 */
import { z } from 'zod'
import type { Collector, Piece } from '../collector.ts'
import { splitReports } from '../report.ts'
import { normaliseGrype } from './normalise.ts'
import { Match } from './shapes.ts'

export const grype: Collector<unknown> = {
  name: 'grype',
  title: 'Grype report',
  produces: ['finding', 'scan', 'entity', 'relation', 'alias'],
  withholds: 'what stands around it may hold the image’s environment',
  connect: `A file, or straight from the scan (\`--show-suppressed\` also brings what your ignore rules hide, as muted):

\`\`\`sh
grype registry.example.com/app:1.2.3 -o json --show-suppressed | falconer import - --cluster {{scope}}
\`\`\`

Or posted from a pipeline:

\`\`\`sh
grype registry.example.com/app:1.2.3 -o json --show-suppressed > report.json
curl --data-binary @report.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/grype
\`\`\`

What the Kubescape operator finds in images, Falconer pulls by itself when it watches the cluster (\`FALCONER_PULL_MINUTES\`).`,
  detect: (sample) =>
    /^\s*\{/.test(sample) &&
    (isManifestText(sample) || /"matches"\s*:\s*(\[|null)/.test(sample)) &&
    (isManifestText(sample) ||
      /^\s*\{\s*"matches"\s*:\s*\[\s*\{\s*"vulnerability"\s*:/.test(sample) ||
      /^\s*\{\s*"matches"\s*:\s*(\[\s*\]|null)\s*,\s*"(ignoredMatches|source|distro|descriptor)"/.test(sample) ||
      /"name"\s*:\s*"grype"/.test(sample)),
  split: (input) => splitReports(input, { lists: ['$', '$.spec.payload'].flatMap((at) => [`${at}.matches.*`, `${at}.ignoredMatches.*`]) }),
  raw: (piece: Piece) => (piece.end === true ? z.unknown() : Match),
  normalise: normaliseGrype,
}

const isManifestText = (sample: string): boolean =>
  /"kind"\s*:\s*"VulnerabilityManifest"/.test(sample) && /"apiVersion"\s*:\s*"spdx\.softwarecomposition\.kubescape\.io\//.test(sample)
