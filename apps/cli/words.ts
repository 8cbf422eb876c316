/** The domain's lists of words, for --help and for refusing others early; held to the domain by their types, so that --help loads no schema. */
import type { FindingClass } from '../../domain/finding.ts'
import type { IncidentState } from '../../domain/incident.ts'
import type { Role } from '../../domain/principal.ts'
import type { ProposalState } from '../../domain/proposal.ts'
import type { Severity } from '../../domain/severity.ts'
import type { FindingStatus } from '../../store/finding-life.ts'

const words = <T extends string>(all: Record<T, 0>): readonly T[] => Object.keys(all) as T[]

export const roles = words<Role>({ viewer: 0, investigator: 0, responder: 0, administrator: 0 })
export const severities = words<Severity>({ informational: 0, low: 0, medium: 0, high: 0, critical: 0 })
export const incidentStates = words<IncidentState>({ open: 0, contained: 0, closed: 0 })
export const proposalStates = words<ProposalState>({
  requested: 0,
  planning: 0,
  pending: 0,
  unplannable: 0,
  approved: 0,
  rejected: 0,
  expired: 0,
  superseded: 0,
  executing: 0,
  succeeded: 0,
  partial: 0,
  failed: 0,
  reverting: 0,
  reverted: 0,
})
export const findingStatuses = words<FindingStatus>({ open: 0, manual: 0, suppressed: 0, fixed: 0, passed: 0 })
export const findingClasses = words<FindingClass>({ vulnerability: 0, misconfiguration: 0, compliance: 0, secret: 0, licence: 0 })
