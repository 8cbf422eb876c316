/**
 * CycloneDX 1.1 to 1.7, JSON and XML: an image with its packages (HAS_PACKAGE), and what an SBOM or a VEX document says of vulnerabilities.
 * Packages of what is no image (a folder, an application) become entities without a relation: the graph has no node to hang them on.
 * Files, operating systems, lock files, services and dependencies are counted as skipped or left out.
 * Content key: SHA-256 over the report (of XML: written again as JSON), scope and what it describes; the same document again is the same scan.
 */
import type { Collector } from '../collector.ts'
import { Component } from './document.ts'
import { endOf, inventoryOf } from './normalise.ts'
import { End, lists, Pointing, split } from './split.ts'
import { findingsOf } from './vulnerabilities.ts'

/** Where the root’s tag may begin: behind the declaration, comments and a document type. One by one: a pattern for all of them can take for ever. */
function rootOf(xml: string): number {
  const aside = /\s+|<\?xml[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE[^>]*>/y
  let at = 0
  while (aside.test(xml)) at = aside.lastIndex
  return at
}

export const cyclonedx: Collector = {
  name: 'cyclonedx',
  title: 'CycloneDX',
  produces: ['entity', 'relation', 'alias', 'finding', 'scan'],
  connect: `An SBOM from Syft, Trivy or any other tool, JSON or XML:

\`\`\`sh
syft registry.example.org/shop:1.4 -o cyclonedx-json | falconer import - --cluster {{scope}}
trivy image --format cyclonedx --scanners vuln registry.example.org/shop:1.4 | falconer import - --cluster {{scope}}
falconer import vex.json --cluster {{scope}}
\`\`\`

Or pushed, by a pipeline:

\`\`\`sh
curl --data-binary @sbom.cdx.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/cyclonedx
\`\`\``,
  detect(sample) {
    const json = /"bomFormat"\s*:\s*"CycloneDX"/.exec(sample)
    // Inside of another document (an attestation, a Kubernetes object) it is not ours to take apart.
    if (json !== null)
      return /^\s*\{/.test(sample) && !/"(?:apiVersion|predicateType|_type|SchemaVersion)"\s*:/.test(sample.slice(0, json.index))
    return /^<(?:\w+:)?bom\b[^>]*http:\/\/cyclonedx\.org\/schema\/bom\//.test(sample.slice(rootOf(sample)))
  },
  raw: ({ end, list }) => (end === true ? End : list === lists.vulnerabilities ? Pointing : Component),
  split,
  normalise(raw, piece, source) {
    if (piece.end === true) return endOf(raw as End, piece, source)
    return piece.list === lists.vulnerabilities ? findingsOf(raw as Pointing, piece, source) : inventoryOf(raw, piece, source)
  },
}
