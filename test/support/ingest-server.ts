/** `falconer serve` as a process group of its own that can be killed with -9 at any moment, on a database made before. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createToken, invite } from '../../auth/people.ts'
import { systemClock } from '../../domain/clock.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { createSource, newSourceSecret } from '../../store/sources.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from './database.ts'
import { falconerProgram } from './process.ts'
import { operator } from './site.ts'

export type Kind = 'embedded' | 'server'
export type Home = {
  kind: Kind
  folder: string
  secret: string
  token: string
  env: Record<string, string>
  open(): Promise<Database>
  drop(): Promise<void>
}

/** A database with one source whose secret is known, and a token for somebody who may look. */
export async function prepareHome(kind: Kind): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), 'falconer-ingest-'))
  const own = kind === 'server' ? await serverDatabase(serverUrl as string) : null
  const open = (): Promise<Database> => openDatabase(own === null ? { dataDir: folder } : { url: own.url })
  const db = own === null ? await embeddedDatabase(folder) : await open()
  const secret = newSourceSecret()
  await createSource(db, { name: 'falco', collector: 'falco', scope: 'lab', secret, at: new Date() })
  const { user } = await invite({ db, clock: systemClock }, operator, 'Somebody', 'viewer')
  const { token } = await createToken({ db, clock: systemClock }, operator, { userId: user.id, name: 'look', role: 'viewer', days: 1 })
  await db.close()
  return {
    kind,
    folder,
    secret,
    token,
    env: { FALCONER_DATA: folder, ...(own === null ? {} : { DATABASE_URL: own.url }) },
    open,
    drop: async () => {
      await own?.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type Served = {
  child: ChildProcess
  output(): string
  /** The address to post to, once it listens; null when it ended before. */
  address: Promise<string | null>
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | string | null>
  /** Kills the whole group with -9 and waits until it is gone. */
  kill(): Promise<void>
}

export function serveAt(
  { env, secret }: Pick<Home, 'env' | 'secret'>,
  more: Record<string, string> = {},
  command: readonly string[] = [falconerProgram, 'serve', '--port', '0'],
): Served {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', FALCONER_LOG: 'warn', ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  const ended = new Promise<number | string | null>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  const address = new Promise<string | null>((resolve) => {
    const hear = (part: Buffer): void => {
      output = (output + part.toString()).slice(-200_000)
      const url = /serves at (http:\S+)/.exec(output)?.[1]
      if (url !== undefined) resolve(`${url.replace('localhost', '127.0.0.1')}/ingest/falco/${secret}`)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then(() => resolve(null))
  })
  return {
    child,
    output: () => output,
    address,
    ended,
    kill: async () => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL')
      } catch {
        // it is gone already
      }
      await ended
    },
  }
}
