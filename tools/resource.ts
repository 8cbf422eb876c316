/**
 * The contract of a kind of resource: records that a client can open, list, complete and watch by their address `falconer://<kind>/<id>`.
 * Each is read for one reader, with the same filters as tools, and says nothing that its schema does not declare.
 */
import type { z } from 'zod'
import type { Permission } from '../domain/principal.ts'
import type { ToolContext, Toolset } from './tool.ts'

/** What belongs to no single call. */
export type ReaderContext = Omit<ToolContext, 'reads' | 'signal' | 'progress' | 'ask'>
/** One of a short list to choose from; `title` is fenced where others wrote it. */
export type ListedResource = { id: string; title: string; description: string }

export interface Resource<O extends z.ZodObject = z.ZodObject> {
  /** The file’s name, and the first part of the address. */
  readonly kind: string
  readonly toolset: Toolset
  readonly title: string
  readonly description: string
  /** How the last part of the address is called. */
  readonly by: 'id' | 'name'
  readonly permission: Permission
  /** What is not declared here does not leave the house. Text of others is `Quoted`. */
  readonly output: O
  /** The few that one would open first; empty where there are too many to choose so. */
  list(context: ReaderContext): Promise<ListedResource[]>
  /** At most 100 values that fit what was typed. */
  complete(text: string, context: ReaderContext): Promise<string[]>
  /** Throws NotFoundError. */
  read(id: string, context: ReaderContext): Promise<z.input<O>>
  markdown(view: z.output<O>): string
  /** Another text whenever something of it changed; undefined: there is no such record. Cheap: it is asked again and again. */
  version(id: string, context: ReaderContext): Promise<string | undefined>
}

/** Keeps the type of the output together. */
export const resource = <O extends z.ZodObject>(given: Resource<O>): Resource => given as unknown as Resource

export const scheme = 'falconer:'
export const addressOf = (kind: string, id: string): string => `${scheme}//${kind}/${encodeURIComponent(id)}`

export type Address = { kind: string; id: string; format: 'markdown' | 'json' }
/** Undefined: it is none of ours. */
export function parseAddress(text: string): Address | undefined {
  const [, kind, id, format] = /^falconer:\/\/([a-z]+)\/([^/?#]{1,600})(?:\?format=(markdown|json))?$/.exec(text) ?? []
  if (kind === undefined || id === undefined) return undefined
  try {
    return { kind, id: decodeURIComponent(id), format: format === 'json' ? 'json' : 'markdown' }
  } catch {
    return undefined
  }
}
