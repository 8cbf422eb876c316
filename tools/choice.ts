/** What a reader has of tools, resources and prompts: by their role, their token's scopes and what they chose. Asked before anything else. */
import { type Permission, permissions, type Principal, roleAtLeast } from '../domain/principal.ts'
import type { Toolset } from './tool.ts'

export type Choice = {
  /** Not given: those that are listed by default. */ toolsets?: readonly Toolset[]
  readOnly?: boolean
  /** Scopes of the token, one a toolset; not given: all. */ scopes?: readonly string[]
}
export const scopeOf = (toolset: Toolset): string => `falconer:${toolset}`

export const may = (principal: Principal, permission: Permission): boolean => {
  const needed = permissions[permission]
  return needed === null || roleAtLeast(principal.role, needed)
}

/** `listed`: where no toolset is chosen. */
export const mayUse = (
  principal: Principal,
  { toolsets, scopes }: Choice,
  { toolset, permission, listed = true }: { toolset: Toolset; permission: Permission; listed?: boolean },
): boolean =>
  (toolsets === undefined ? listed : toolsets.includes(toolset)) &&
  (scopes === undefined || scopes.includes(scopeOf(toolset))) &&
  may(principal, permission)
