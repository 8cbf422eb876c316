/** Grounding of what a model says in chat: beyond what holds for every claim, an observation has to say something that a cited record holds. */
import type { Claim, GroundedClaim } from '../../domain/report.ts'
import { groundClaim, type RecordReader, type SeenCoverage } from '../../incidents/grounding.ts'

/** “It is approved”, with a record cited and no value of it, is confirmed by nothing. */
export async function groundSaid(claim: Claim, reader: RecordReader, seen?: SeenCoverage): Promise<GroundedClaim> {
  const grounded = await groundClaim(claim, reader, seen)
  const mustTell = claim.kind === 'observation' || claim.kind === 'causal'
  if (!grounded.grounded || !mustTell || claim.evidence.some(({ path }) => path !== null)) return grounded
  return { ...grounded, grounded: false, problems: ['it tells no value of the records that it cites: quote what they hold'] }
}
