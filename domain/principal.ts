/**
 * Who acts: a person, a token a person made, a source, the agent, the executor, or the demo.
 * Roles are ordered: each may do all that the one before it may.
 */
import { z } from 'zod'

export const roles = ['viewer', 'investigator', 'responder', 'administrator'] as const
export const Role = z.enum(roles)
export type Role = z.infer<typeof Role>
export const roleAtLeast = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)

/** Every permission in the product; every route, tool and command declares exactly one. */
export const permissions = {
  public: null,
  ingest: null,
  'incidents.read': 'viewer',
  'incidents.decide': 'investigator',
  'investigations.run': 'investigator',
  'proposals.read': 'viewer',
  'proposals.create': 'investigator',
  'proposals.decide': 'responder',
  'proposals.revert': 'responder',
  'findings.read': 'viewer',
  'graph.read': 'viewer',
  'findings.decide': 'responder',
  'inventory.read': 'viewer',
  'sources.read': 'viewer',
  'sources.manage': 'administrator',
  'people.read': 'administrator',
  'people.manage': 'administrator',
  'chat.ask': 'viewer',
  'tokens.own': 'viewer',
  'audit.read': 'administrator',
  import: 'responder',
} as const satisfies Record<string, Role | null>
export type Permission = keyof typeof permissions

export type PrincipalKind = 'user' | 'token' | 'source' | 'agent' | 'executor' | 'demo' | 'operator' | 'system'
/** `operator` is whoever holds the data folder (the command line beside it); it and `demo` may decide on simulated clusters only. */
export type Principal = {
  id: string
  kind: PrincipalKind
  name: string
  role: Role
  /** The person behind it; a token's owner. Distinctness of approvers is counted on this. */
  personId: string
  /** False where this principal may see but never decide on proposals (tokens, agents). */
  mayApprove: boolean
}
export type Channel = 'web' | 'api' | 'cli' | 'slack' | 'mcp' | 'system'

/** The parts of Falconer that act by themselves. None of them may approve anything. */
export const agentPrincipal: Principal = {
  id: 'agent',
  kind: 'agent',
  name: 'Falconer’s analyst',
  role: 'investigator',
  personId: 'agent',
  mayApprove: false,
}
export const executorPrincipal: Principal = {
  id: 'executor',
  kind: 'executor',
  name: 'Falconer’s executor',
  role: 'viewer',
  personId: 'executor',
  mayApprove: false,
}
export const systemPrincipal: Principal = {
  id: 'system',
  kind: 'system',
  name: 'Falconer',
  role: 'viewer',
  personId: 'system',
  mayApprove: false,
}
/** The demonstration’s own approver, refused for every target that is not simulated. */
export const demoPrincipal: Principal = { id: 'demo', kind: 'demo', name: 'Demo', role: 'responder', personId: 'demo', mayApprove: true }
export const operatorPrincipal: Principal = {
  id: 'operator',
  kind: 'operator',
  name: 'Command line',
  role: 'administrator',
  personId: 'operator',
  mayApprove: true,
}
