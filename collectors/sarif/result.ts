/** What one result of a SARIF report says: where, how bad, and whether it counts. Pure. */
import type { FindingPackage, NewFinding } from '../../domain/finding.ts'
import type { Severity } from '../../domain/severity.ts'
import { packageFrom, severityOf } from '../vulnerability.ts'
import { cut, proseOf, unescaped } from '../words.ts'
import type { Rule, Run, SarifResult } from './shape.ts'

export type Place = { file: string; within: string; startLine: number | null; endLine: number | null }

export function placeOf(raw: SarifResult, run: Run, secret: boolean): Place {
  const [location] = raw.locations ?? []
  const { artifactLocation, region } = location?.physicalLocation ?? {}
  const uri = artifactLocation?.uri || run.artifacts?.[artifactLocation?.index ?? -1]?.location?.uri || ''
  const startLine = region?.startLine ?? null
  const logical = location?.logicalLocations?.[0]
  // A fingerprint of a secret may be made of it.
  const within = secret ? '' : (fingerprintOf(raw) ?? logical?.fullyQualifiedName ?? '')
  return { file: fileOf(uri, run), within: cut(within, 500), startLine, endLine: region?.endLine ?? null }
}

/** Those that say where it is, whatever line that is now. */
function fingerprintOf({ fingerprints, partialFingerprints }: SarifResult): string | undefined {
  const [first] = Object.entries(fingerprints ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return (
    first?.[1] ??
    Object.entries(partialFingerprints ?? {}).find(([name]) => /^(primaryLocationLineHash|scanPrimaryLocationHash)\b/.test(name))?.[1]
  )
}

function fileOf(uri: string, run: Run): string {
  const folder = run.invocations?.find((one) => one.workingDirectory?.uri)?.workingDirectory?.uri?.replace(/\/*$/, '/') ?? ''
  const path = folder !== '/' && folder !== '' && uri.startsWith(folder) ? uri.slice(folder.length) : uri.replace(/^file:\/\/[^/]*/, '')
  return cut(
    unescaped(path)
      .replaceAll('\\', '/')
      .replace(/^(\.?\/)+/, ''),
    1_000,
  )
}

export function severityIn(raw: SarifResult, rule: Rule | undefined): Severity | null {
  const said = rule?.properties?.['security-severity']
  const score = typeof said === 'string' || typeof said === 'number' ? Number(said) : Number.NaN
  if (score > 0) return score >= 9 ? 'critical' : score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low'
  const word = typeof said === 'string' ? severityOf(said) : null
  return word ?? severityOf(raw.level ?? rule?.defaultConfiguration?.level ?? 'warning')
}

export function outcomeOf(raw: SarifResult): Pick<NewFinding, 'outcome' | 'outcomeReason'> {
  const kind = raw.kind ?? 'fail'
  if (raw.baselineState === 'absent') return { outcome: 'pass', outcomeReason: 'it is no longer there' }
  if (kind === 'open' || kind === 'review') return { outcome: 'manual', outcomeReason: kind }
  if (kind !== 'fail') return { outcome: 'pass', outcomeReason: kind === 'pass' ? null : cut(kind, 100) }
  const states = (raw.suppressions ?? []).map((one) => one.status ?? one.state ?? 'accepted')
  if (states.length === 0 || states.some((state) => state !== 'accepted')) return { outcome: 'fail', outcomeReason: null }
  const [first] = raw.suppressions ?? []
  return { outcome: 'muted', outcomeReason: proseOf(first?.justification, 1_000) ?? proseOf(first?.kind, 100) }
}

/** Trivy tells of the package in lines of their own, and not of what kind it is. */
export function packageIn(message: string): FindingPackage | null {
  const line = (name: string): string | null => proseOf(new RegExp(`^${name}: (.*)$`, 'm').exec(message)?.[1], 500)
  const name = line('Package')
  if (name === null) return null
  return {
    ...packageFrom('generic', name, line('Installed Version')),
    fixedIn: (line('Fixed Version') ?? '').split(/,\s*/).filter(Boolean),
    paths: [],
  }
}

export function documentOf(raw: SarifResult, ruleId: string, place: Place, secret: boolean): Record<string, unknown> {
  if (secret) return { ruleId, ...place }
  const { kind, level, message, suppressions, baselineState, fingerprints, partialFingerprints } = raw
  const told = { kind, level, message, suppressions, baselineState, fingerprints, partialFingerprints }
  return { ruleId, ...place, ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined && value !== null)) }
}
