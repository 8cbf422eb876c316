/** What a reader has of tools, resources and prompts: by their role, their token's scopes and what they chose. Asked before anything else. */
import { type Permission, permissions, type Principal, roleAtLeast } from '../domain/principal.ts'
import type { Tool, Toolset } from './tool.ts'

export type Choice = {
  /** Not given: those that are listed by default. */ toolsets?: readonly Toolset[]
  readOnly?: boolean
  /** Scopes of the token, one a toolset and one to propose; not given: all. */ scopes?: readonly string[]
}
export const scopeOf = (toolset: Toolset): string => `falconer:${toolset}`
export const proposeScope = 'falconer:propose'
/** What a token must have to use it. */
export const scopesFor = ({ toolset, access = 'read', also = [] }: Pick<Usable, 'toolset' | 'access' | 'also'>): string[] => [
  ...[toolset, ...also].map(scopeOf),
  ...(access === 'propose' ? [proposeScope] : []),
]
/** Whether a token lets its reader see what this toolset tells. */
export const readsOf =
  ({ scopes }: Choice) =>
  (toolset: Toolset): boolean =>
    scopes === undefined || scopes.includes(scopeOf(toolset))

const may = (principal: Principal, permission: Permission): boolean => {
  const needed = permissions[permission]
  return needed === null || roleAtLeast(principal.role, needed)
}

type Usable = Partial<Pick<Tool, 'listed' | 'access' | 'also'>> & Pick<Tool, 'toolset' | 'permission'>

/** `listed`: where no toolset is chosen. */
export const mayUse = (principal: Principal, { toolsets, readOnly = false, scopes }: Choice, one: Usable): boolean =>
  (!readOnly || one.access !== 'propose') &&
  (toolsets === undefined ? one.listed !== false : toolsets.includes(one.toolset)) &&
  (scopes === undefined || scopesFor(one).every((scope) => scopes.includes(scope))) &&
  may(principal, one.permission)
