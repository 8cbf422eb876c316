/**
 * The rules of approving in a few lines, as the guarantees say them: what the tests of decisions, by whichever channel, are compared with. It knows no
 * database, no channel and no cluster.
 */
import fc from 'fast-check'
import { type Principal, type Role, roles } from '../../domain/principal.ts'
import type { ProposalState } from '../../domain/proposal.ts'

export type Who = { person: string; role: Role; kind: Principal['kind']; mayApprove: boolean; login: number }

export const setting = fc.record({
  quorum: fc.constantFrom(1, 1, 1, 2, 3),
  approvers: fc.constantFrom<'responder' | 'administrator'>('responder', 'responder', 'administrator'),
  proposerExcluded: fc.boolean(),
  simulated: fc.boolean(),
  actionsEnabled: fc.boolean(),
  proposer: fc.constantFrom('ada', 'agent'),
})
export type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never

/** The rules, as guarantees say them. */
export class Model {
  state: ProposalState = 'pending'
  readonly approved = new Map<string, Role>()
  rejectedBy: string | null = null
  executions = 0
  reverts = 0
  private now = 0
  private deadline = 60
  private readonly given: Setting
  constructor(given: Setting) {
    this.given = given
  }
  wait(minutes: number): void {
    this.now += minutes
  }
  private over(): boolean {
    return this.now > this.deadline
  }
  sweep(): void {
    if ((this.state === 'pending' || this.state === 'approved') && this.over()) this.state = 'expired'
  }
  entitled({ role }: Pick<Who, 'role'>): boolean {
    return roles.indexOf(role) >= roles.indexOf(this.given.approvers)
  }
  /** Why this principal may not decide, or null. */
  private barred({ role, kind, person }: Who, proposerToo: boolean): string | null {
    if (kind !== 'user' && kind !== 'demo') return 'entitlement'
    if (!this.entitled({ role })) return 'entitlement'
    if (proposerToo && this.given.proposerExcluded && person === this.given.proposer) return 'proposer'
    if (kind === 'demo' && !this.given.simulated) return 'simulated_only'
    return null
  }
  /** `refused`: why the channel takes no approval of it, though others do. */
  decide(what: 'approve' | 'reject', by: Who, hash: 'right' | 'wrong', refused: string | null = null): string {
    if (this.state === 'pending' && this.over()) {
      this.state = 'expired'
      return 'expired'
    }
    if (this.state !== 'pending') {
      const same = what === 'reject' ? this.rejectedBy === by.person : this.approved.has(by.person)
      const came = what === 'reject' ? this.state === 'rejected' : this.state === 'approved' || this.state === 'succeeded'
      return same && came ? 'allowed' : 'state'
    }
    if (hash === 'wrong') return 'plan_changed'
    const barred = this.barred(by, true)
    if (barred !== null) return barred
    if (what === 'reject') {
      this.state = 'rejected'
      this.rejectedBy = by.person
      return 'allowed'
    }
    if (refused !== null) return refused
    if (!this.given.simulated && !this.given.actionsEnabled) return 'actions_off'
    if (!this.approved.has(by.person)) this.approved.set(by.person, by.role)
    if (this.approved.size >= this.given.quorum) {
      this.state = 'approved'
      this.deadline = this.now + 10
    }
    return 'allowed'
  }
  /** What somebody who would decide is told before they can; null: they may. It changes nothing, not even what is over. */
  asked(what: 'approve' | 'reject', by: Who, hash: 'right' | 'wrong', refused: string | null): string | null {
    if (this.state !== 'pending') return 'state'
    if (this.over()) return 'expired'
    if (hash === 'wrong') return 'plan_changed'
    const barred = this.barred(by, true)
    if (barred !== null || what === 'reject') return barred
    if (refused !== null) return refused
    if (!this.given.simulated && !this.given.actionsEnabled) return 'actions_off'
    return this.approved.has(by.person) ? 'again' : null
  }
  /** `still`: whether whoever approved may still do so. */
  execute(still: (person: string) => boolean = () => true): string {
    if (this.state !== 'approved') return 'state'
    if (this.over()) {
      this.state = 'expired'
      return 'expired'
    }
    if ([...this.approved.keys()].filter(still).length < this.given.quorum) {
      this.state = 'failed'
      return 'entitlement'
    }
    this.state = 'succeeded'
    this.executions += 1
    return 'allowed'
  }
  revert(by: Who): string {
    if (this.state !== 'succeeded') return 'state'
    const barred = this.barred(by, false)
    if (barred !== null) return barred
    if (!this.given.simulated && !this.given.actionsEnabled) return 'actions_off'
    this.state = 'reverted'
    this.reverts += 1
    return 'allowed'
  }
}
