/** The contract of an analyst under examination: how to have one that reads cases. Only those that cheat are given the truth. */
import type { Analyst } from '../agent/analyst.ts'
import type { World } from './world.ts'

/** What an analyst may be made from. `names`: row ids of everything inventory wrote, as targets are named. */
export type Desired = { world: World; names: ReadonlyMap<string, string> }

export interface ExamAnalyst {
  /** The file’s name. */
  readonly name: string
  readonly about: string
  /** Asked before anything is prepared. Throws ConfigError when what it needs is not there. */
  ready?(): void
  open(desired: Desired): Promise<Analyst>
}
