/**
 * The embedded database: PGlite in a folder, held by a lock that the kernel releases when the process dies.
 * Two processes on one PGlite folder silently lose rows, so the lock comes first. The note beside the lock
 * names pid and URL, never a credential. PGlite does not fsync: a power cut may lose the last writes.
 */
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import { vector } from '@electric-sql/pglite-pgvector'
import type { PoolConfig } from 'pg'
import { ConfigError } from '../domain/errors.ts'
import { type DiskRoom, diskRoom, type FreeBytes } from './disk-room.ts'

/** Who holds a data folder, as its note says: enough to reach the server, nothing to sign in with. */
export type Holder = { pid: number; url: string | null }

const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x47504653, 'GPFS'],
  [0x0bd00bd0, 'Lustre'],
])

export type Embedded = { poolConfig: PoolConfig; room: DiskRoom | null; close: () => Promise<void> }

export async function openEmbedded(dataDir: string | undefined, template?: Blob, freeBytes?: FreeBytes): Promise<Embedded> {
  const lock = dataDir === undefined ? null : await lockFolder(dataDir)
  try {
    const room = dataDir === undefined ? null : diskRoom(resolve(dataDir), freeBytes)
    await room?.toFree()
    const begun = dataDir === undefined ? null : await beginning(resolve(dataDir))
    const pglite = await PGlite.create({
      ...(dataDir === undefined ? {} : { dataDir: join(resolve(dataDir), 'postgres') }),
      extensions: { vector },
      ...(template === undefined ? {} : { loadDataDir: template }),
    })
    await begun?.done()
    return {
      poolConfig: createPgConfig(pglite) as unknown as PoolConfig,
      room,
      close: async () => {
        await pglite.close()
        await lock?.release()
      },
    }
  } catch (error) {
    await lock?.release()
    throw new ConfigError(`The embedded database in ${dataDir ?? 'memory'} could not be opened: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Making a database takes seconds. A mark stands beside it meanwhile: what a first start left that was cut off is half a database, in
 * which nothing was stored yet, and is begun anew.
 */
async function beginning(folder: string): Promise<{ done: () => Promise<void> } | null> {
  const mark = join(folder, 'postgres.begun')
  const database = join(folder, 'postgres')
  if (existsSync(mark)) await rm(database, { recursive: true, force: true })
  if (existsSync(join(database, 'PG_VERSION'))) return null
  await writeFile(mark, '')
  return {
    done: async () => {
      await rm(mark)
      // The mark must not come back after a power cut: it would take with it what is stored from now on.
      const handle = await open(folder)
      await handle.sync().finally(() => handle.close())
    },
  }
}

/** An empty database, prepared by `prepare` and dumped: later ones load it instead of running initdb (four seconds). */
export async function dumpTemplate(prepare: (pglite: PGlite) => Promise<void>): Promise<Blob> {
  const pglite = await PGlite.create({ extensions: { vector } })
  await prepare(pglite)
  const template = await pglite.dumpDataDir('none')
  await pglite.close()
  return template
}

/** Who holds the folder, or undefined when nobody does. Leaves no trace in it. */
export async function holderOf(dataDir: string): Promise<Holder | undefined> {
  const folder = resolve(dataDir)
  if (!existsSync(join(folder, 'lock.sqlite'))) return undefined
  const lock = tryLock(folder, 0)
  lock?.close()
  return lock === null ? readNote(folder) : undefined
}

/** Writes the server's address beside the lock, for the CLI to find. */
export async function noteAddress(dataDir: string, url: string): Promise<void> {
  await writeFile(join(resolve(dataDir), 'holder.json'), JSON.stringify({ pid: process.pid, url } satisfies Holder), { mode: 0o600 })
}

async function readNote(dataDir: string): Promise<Holder> {
  try {
    return JSON.parse(await readFile(join(resolve(dataDir), 'holder.json'), 'utf8')) as Holder
  } catch {
    return { pid: 0, url: null }
  }
}

async function lockFolder(dataDir: string): Promise<{ release: () => Promise<void> }> {
  const folder = resolve(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new ConfigError(`The data folder ${folder} cannot be made: ${messageOf(error)}`, { cause: error })
  })
  refuseNetwork(folder, (await statfs(folder)).type)
  // Long enough for a command that only asks who holds it.
  const lock = tryLock(folder, 500)
  if (lock === null) {
    const { pid, url } = await readNote(folder)
    const who = pid === 0 ? '' : ` (pid ${pid}${url === null ? '' : `, ${url}`})`
    throw new ConfigError(`${folder} is in use by another Falconer${who}. Stop it, or choose another --data folder.`)
  }
  await writeFile(join(folder, 'holder.json'), JSON.stringify({ pid: process.pid, url: null } satisfies Holder), { mode: 0o600 })
  return {
    release: async () => {
      await rm(join(folder, 'holder.json'), { force: true })
      lock.close()
    },
  }
}

/** `type` as statfs answers it. */
export function refuseNetwork(folder: string, type: number): void {
  const network = networkFileSystems.get(type >>> 0)
  if (network !== undefined)
    throw new ConfigError(
      `${folder} is on ${network}, where file locks cannot be trusted. Use a local disk for --data, or a Postgres server with DATABASE_URL.`,
    )
}

/** Null when another process holds it. */
function tryLock(folder: string, waitMs: number): DatabaseSync | null {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(join(folder, 'lock.sqlite'))
    lock.exec(`pragma busy_timeout = ${waitMs}; pragma locking_mode = exclusive; pragma journal_mode = delete; begin exclusive`)
    return lock
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) return null
    throw new ConfigError(`The data folder ${folder} cannot be locked: ${messageOf(error)}`, { cause: error })
  }
}
const sqliteBusy = 5
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
