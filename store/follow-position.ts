/**
 * Where following each file stopped, kept in the data folder: one small database for each file and receiver. It is locked while
 * it is open and the kernel lets go when the process dies, so that two followers never send the same lines.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigError, InputError } from '../domain/errors.ts'

export type FollowPosition<State> = { read(): State | null; write(state: State): void; close(): void }

/** `receiver` is where lines go to: what one has is not what another has. Throws InputError while another process follows the file. */
export function openFollowPosition<State>(dataDir: string, path: string, receiver: readonly string[]): FollowPosition<State> {
  const folder = join(resolve(dataDir), 'follow')
  const key = createHash('sha256')
    .update(JSON.stringify([resolve(path), ...receiver]))
    .digest('hex')
  const file = join(
    folder,
    `${basename(path)
      .replaceAll(/[^\w.-]/g, '_')
      .slice(0, 60)}-${key.slice(0, 16)}.sqlite`,
  )
  let db: DatabaseSync | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    db = new DatabaseSync(file)
    db.exec('pragma busy_timeout = 0; pragma locking_mode = exclusive; pragma journal_mode = delete')
    db.exec('create table if not exists position (id integer primary key check (id = 1), path text not null, state text not null)')
    // Takes the lock at once, not with the first line.
    db.exec("insert into position values (1, '', 'null') on conflict do nothing; update position set id = 1")
  } catch (error) {
    db?.close()
    if ((error as { errcode?: number }).errcode === 5)
      throw new InputError(`${path} is followed already by another process with this data folder. One is enough.`, { cause: error })
    throw unwritable(file, error)
  }
  const held = db
  const update = held.prepare('update position set path = ?, state = ?')
  return {
    read: () => JSON.parse((held.prepare('select state from position').get() as { state: string }).state) as State | null,
    write: (state) => {
      try {
        update.run(resolve(path), JSON.stringify(state))
      } catch (error) {
        throw unwritable(file, error)
      }
    },
    close: () => held.close(),
  }
}

const unwritable = (file: string, error: unknown): ConfigError =>
  new ConfigError(
    `${file} cannot be written, and it keeps where reading stopped: ${error instanceof Error ? error.message : String(error)}. Make room, or choose another --data folder; what was sent is not stored twice.`,
    { cause: error },
  )
