/** Flaws of packages as causes of an incident: those that can be used over the network, those of one package of one image together. Pure. */
import { versionWithAll } from '../graph/fixes/fix-version.ts'
import type { InUse } from '../domain/in-use.ts'
import type { FindingFacts } from '../store/finding-facts.ts'
import type { CaseAlert } from './case-file.ts'
import { inApplication } from './package-paths.ts'
import type { IncidentPosture, PlacedFinding } from './posture.ts'
import type { Sign } from './posture-topics.ts'

/** A known flaw of a package, the worst of several in the same package; `program`: what a server program of its application started. */
export type FlawCause = {
  is: 'flaw'
  finding: FindingFacts
  further: FindingFacts[]
  program: CaseAlert | null
  use: InUse | null
  mend: Mend | null
}
/** The version without any known flaw of the package, and the finding that names it: what fix-first says too. */
export type Mend = { version: string; finding: FindingFacts }

/** Flaws that can be used over the network, those of one package of one image together. */
export function flawCauses({ findings }: IncidentPosture, signs: readonly Sign[]): { cause: FlawCause; at: bigint[] }[] {
  const groups = Map.groupBy(
    findings.filter(({ finding }) => finding.class === 'vulnerability' && overNetwork(finding)),
    ({ finding }) => `${finding.resource.key}\n${finding.package?.name ?? finding.check}`,
  )
  return [...groups.values()].flatMap((group) => {
    const [worst, ...further] = group.toSorted(byExploitability)
    if (worst === undefined) return []
    const paths = [...new Set(group.flatMap(({ finding }) => finding.paths))]
    const program = signs.find(
      ({ entry, topic }) => topic === 'entry' && worst.at.some((id) => idsOf(entry).has(id)) && inApplication(entry.alert, paths),
    )
    const use = group.find((one) => one.use?.inUse === true)?.use ?? worst.use
    const others = further.map(({ finding }) => finding)
    const mend = mendOf(worst.finding, findings)
    return [
      { cause: { is: 'flaw' as const, finding: worst.finding, further: others, program: program?.entry ?? null, use, mend }, at: worst.at },
    ]
  })
}

/** Of all flaws of the package there, those too that are not used over the network: one update takes them all. */
function mendOf({ resource, package: found }: FindingFacts, findings: readonly PlacedFinding[]): Mend | null {
  const all = findings
    .flatMap(({ finding }) =>
      found !== null && finding.resource.key === resource.key && finding.package?.name === found.name ? [finding] : [],
    )
    .sort((a, b) => (`${a.check} ${a.id}` < `${b.check} ${b.id}` ? -1 : 1))
  const version = versionWithAll(
    found?.version ?? null,
    all.map((one) => one.package?.fixedIn ?? []),
  )
  const finding = all.find((one) => version !== null && one.package?.fixedIn.includes(version))
  return version === null || finding === undefined ? null : { version, finding }
}
const overNetwork = ({ cvss, kev }: FindingFacts): boolean => kev !== null || /(^|\/)AV:N/.test(cvss?.vector ?? '')
const byExploitability = ({ finding: a }: PlacedFinding, { finding: b }: PlacedFinding): number =>
  Number(b.kev !== null) - Number(a.kev !== null) ||
  (b.epss ?? -1) - (a.epss ?? -1) ||
  (b.cvss?.score ?? 0) - (a.cvss?.score ?? 0) ||
  (a.check < b.check ? -1 : a.check > b.check ? 1 : 0)

/** One change for all flaws of a package. */
export function flawFix({ finding: { package: found, resource }, mend }: FlawCause): { key: string; text: string } | null {
  if (found === null || mend === null) return null
  return { key: `package/${resource.key}/${found.name}`, text: `Update ${found.name} to ${mend.version} in image ${resource.name}` }
}

/** Records that an alert was placed at. */
export const idsOf = ({ context: { pod, container, workload, node, identity } }: CaseAlert): ReadonlySet<bigint> =>
  new Set([container, pod, workload, pod === null ? node : null, identity ?? null].flatMap((one) => (one === null ? [] : [one.id])))
