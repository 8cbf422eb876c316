/** A machine was asked for its cloud credentials, and whoever collects the cloud’s audit log saw them used by that machine alone. */
import { asksMetadata } from '../../incidents/origin.ts'
import type { CaseFile } from '../../incidents/case-file.ts'
import type { InstanceUse } from '../../incidents/instance-use.ts'

/** Of every machine that was asked, calls were seen, all from its own address, after it was asked; else null: silence is no use at home. */
export function usedAtHome({ alerts, instanceUses: uses = [] }: CaseFile): InstanceUse | null {
  const asked = new Set(alerts.filter(({ alert }) => asksMetadata(alert)).map(({ context }) => context.node?.id))
  const seen = uses.filter(({ calls, elsewhere }) => calls > 0 && elsewhere === 0)
  const all = seen.length === uses.length && [...asked].every((id) => seen.some(({ node }) => node.id === id))
  return all ? (seen[0] ?? null) : null
}
