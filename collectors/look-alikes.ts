/** What a file looks like that no collector takes: in words that help whoever named it. Formats close to ours are told by name, with what to send instead. */
type LookAlike = { /** All of them. */ is: readonly RegExp[]; says: string }

const known: readonly LookAlike[] = [
  { is: [/^\n\r\r\n/], says: 'it is a system-call capture (.scap), which this version does not read' },
  {
    is: [/"spdxVersion"\s*:|^SPDXVersion:/m],
    says: 'it is an SPDX document. Make a CycloneDX one (trivy --format cyclonedx, syft -o cyclonedx-json)',
  },
  {
    is: [/"detector"\s*:/, /"manifests"\s*:/],
    says: 'it is a dependency snapshot for GitHub. Make a CycloneDX document, or the scanner’s own JSON',
  },
  { is: [/"findingArn"\s*:/], says: 'it is Amazon Inspector’s own format. Export it from Security Hub (ASFF)' },
  {
    is: [/"(?:rule_provider|long_id)"\s*:/],
    says: 'it is a report of tfsec. Make SARIF of it (tfsec --format sarif), or use trivy config',
  },
]

export function looksLike(sample: string): string {
  const found = known.find(({ is }) => is.every((pattern) => pattern.test(sample)))
  if (found !== undefined) return found.says
  const start = sample.trimStart()
  if (/^(\{\s*["}]|\[\s*["{[\]])/.test(start)) {
    const key = /"(\w[\w.$-]*)"\s*:/.exec(start)?.[1]
    return `it is JSON of a kind this version does not read${key === undefined ? '' : ` (its first key is "${key}")`}`
  }
  if (/^<\?xml|^<\w/.test(start)) return 'it looks like XML of a kind this version does not read'
  if (/[\0-\x08]/.test(start.slice(0, 512))) return 'it looks like binary data'
  // A tool's log before the JSON, as when both went into one file.
  if (/\n[ \t]*[{[][ \t]*\r?\n?[ \t]*["{]/.test(start))
    return 'there is text before the JSON; save only what the tool writes to standard output'
  if (/^[\w.-]+:(\s|$)/m.test(start)) return 'it looks like YAML of a kind this version does not read'
  return 'it looks like plain text'
}
