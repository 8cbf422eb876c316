/** Who opened a shell in a container only the audit log of the cluster can tell. Where that is collected but fell silent before, nobody can. */
import type { CaseFile, Coverage } from '../../incidents/case-file.ts'
import type { Signal } from './weigh.ts'

/** Its batches come late; more than that is silence. */
const graceNs = 15n * 60n * 1_000_000_000n
const runtimes = /^(containerd-shim|runc|conmon|crio)/

/** What there is to see began with a terminal that no program of the container opened. */
export const openedByApi = ({ alerts: [first] }: CaseFile, signals: readonly Signal[]): boolean =>
  first !== undefined &&
  first.alert.process?.terminal === true &&
  runtimes.test(first.alert.process.parentName ?? '') &&
  signals.some(({ family }) => family.name === 'shell')

/** The audit log of this cluster, last heard before it began; null: there is none, or it was heard. */
export const silentWitness = ({ coverage, incident }: CaseFile): Coverage | null => {
  const all = coverage.filter(({ collector, scope }) => collector === 'kubernetes-audit' && scope === incident.scope)
  const before = ({ lastSeenAt }: Coverage): boolean =>
    lastSeenAt !== null && BigInt(lastSeenAt.getTime()) * 1_000_000n < incident.firstNs - graceNs
  return all.every(before) ? (all[0] ?? null) : null
}
