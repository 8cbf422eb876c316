/**
 * `falconer follow`: sends what files hold and what comes, whole lines in order. A place is kept only after the answer, which comes
 * after commit; what may have been committed without an answer is sent again as such. Waits for a server that is away: the file keeps all.
 */
import { basename } from 'node:path'
import { FollowedFile, type FollowedPiece, type FollowState } from '../../collectors/follow.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { FalconerError } from '../../domain/errors.ts'
import { type FollowPosition, openFollowPosition } from '../../store/follow-position.ts'
import { ApiError, type Client, openClient, UnansweredError } from './client.ts'
import { type Overrides, place } from './command.ts'
import { print, remark, safe } from './output.ts'
import { Interrupted, stopped, wait } from './stop.ts'

export type FollowOptions = { cluster?: string; json?: boolean; again?: boolean; signal: AbortSignal }
const names = ['read', 'accepted', 'duplicates', 'internal', 'skipped', 'deadLetters'] as const
type Counts = Record<(typeof names)[number], number>
type Followed = {
  path: string
  file: FollowedFile
  position: FollowPosition<FollowState>
  counts: Counts
  untold: Counts | null
  /** Bytes of a piece; fewer while the line is looked for that Falconer fails at. */
  most: number
  /** How far pieces went that were made smaller: all before may have been committed. */
  tried: Pick<FollowedPiece, 'file' | 'to'> | null
}

const pauseMs = 300
/** How long Ctrl-C lets an answer come that is on its way. */
const lastAnswerMs = 5_000
/** So often 500 for the same piece, and it is the piece: what passes is answered otherwise (502, 503, 504, 507). */
const mostFailures = 5
const fullPiece = 1024 * 1024
const none = (): Counts => Object.fromEntries(names.map((name) => [name, 0])) as Counts

export async function follow(overrides: Overrides, paths: readonly string[], options: FollowOptions): Promise<void> {
  const config = loadConfig({ FALCONER_LOG: 'warn', ...overrides })
  const receiver = [config.FALCONER_URL ?? config.DATABASE_URL?.reveal() ?? '', options.cluster ?? '']
  const say = teller(options.json === true)
  const followed: Followed[] = []
  let client: Client | null = null
  try {
    for (const path of new Set(paths))
      followed.push(await begin(path, openFollowPosition(config.FALCONER_DATA, path, receiver), options, say))
    client = await openClient(overrides)
    say.to(client.url, config)
    const sender = new Sender(client, overrides, config, options, say)
    let unsettled = false
    while (!options.signal.aborted) {
      let busy = false
      for (const one of followed) {
        const piece = await one.file.next(one.most)
        if (piece === null || options.signal.aborted) continue
        busy = true
        const counts = await sender.send(one, piece)
        if (counts === null) break
        await one.file.acknowledge(piece)
        one.position.write(one.file.state())
        say.read(one, piece, counts)
        unsettled ||= counts.accepted > 0
      }
      say.summary(followed, busy)
      if (busy || options.signal.aborted) continue
      if (unsettled) await sender.client.settle()
      unsettled = false
      await wait(pauseMs, options.signal).catch(ignoreStop)
    }
    say.summary(followed, false)
    // Nobody else would, until a server runs on this data.
    if (unsettled) await sender.client.settle()
    say.end(followed)
  } finally {
    for (const { file, position } of followed) {
      await file.close()
      position.close()
    }
    await client?.close()
  }
}

async function begin(path: string, position: FollowPosition<FollowState>, options: FollowOptions, say: Teller): Promise<Followed> {
  const kept = position.read()
  const state = kept === null || options.again === true ? await FollowedFile.start(path) : kept
  // At once, for the first answer may never come to this process.
  if (kept === null) position.write(state)
  const file = new FollowedFile(path, { state, note: (what, text) => say.note(what, path, text) })
  return { path, file, position, counts: none(), untold: null, most: Infinity, tried: null }
}

const ignoreStop = (error: unknown): void => {
  if (!(error instanceof Interrupted)) throw error
}

/** Sends pieces until they are answered. */
class Sender {
  client: Client
  readonly #overrides: Overrides
  readonly #config: Config
  readonly #options: FollowOptions
  readonly #say: Teller

  constructor(client: Client, overrides: Overrides, config: Config, options: FollowOptions, say: Teller) {
    this.client = client
    this.#overrides = overrides
    this.#config = config
    this.#options = options
    this.#say = say
  }

  /** Null: stopped before there was an answer, or to be sent in smaller pieces. Throws what trying again does not mend. */
  async send(one: Followed, piece: FollowedPiece): Promise<Counts | null> {
    const { signal, cluster, again } = this.#options
    const repeated = piece.first || again === true || (one.tried?.file === piece.file && piece.from < one.tried.to)
    let failures = 0
    for (let tries = 0; ; tries += 1) {
      const query = {
        path: `${one.path.slice(-900)} from byte ${piece.from}`,
        scope: cluster,
        format: 'falco',
        again: repeated || tries > 0 ? 'true' : undefined,
      }
      try {
        const sent = this.client.upload(place('/import', query), bytes(piece.bytes))
        const answered = new AbortController()
        const text = await Promise.race([sent, giveUp(signal, answered.signal)]).finally(() => answered.abort())
        if (text === null) return null
        this.#say.back()
        one.most = one.most < fullPiece ? one.most * 2 : Infinity
        const answer = JSON.parse(text) as Counts
        return Object.fromEntries(names.map((name) => [name, answer[name]])) as Counts
      } catch (error) {
        if (!isPassing(error)) throw error
        failures = error instanceof ApiError && error.status === 500 ? failures + 1 : 0
        if (failures > 0 && this.#narrows(one, piece, failures, error)) return null
        const seconds = (error instanceof ApiError ? error.retryAfter : null) ?? Math.min(30, 2 ** Math.min(tries, 5))
        this.#say.away(error.message, seconds)
        await wait(seconds * 1_000, signal).catch(ignoreStop)
        if (signal.aborted) return null
        if (error instanceof UnansweredError) await this.#findAgain()
      }
    }
  }

  /** Halves what Falconer fails at, so that all before the one line is stored. Throws when it is one line: skipping it would lose it. */
  #narrows(one: Followed, piece: FollowedPiece, failures: number, error: Error): boolean {
    const oneLine = !piece.bytes.subarray(0, -1).includes(0x0a)
    if (failures < mostFailures && (oneLine || one.most === Infinity)) return false
    if (oneLine)
      throw new FalconerError(
        'failed',
        `Falconer fails (500) at one line of ${safe(piece.name, 900)}, bytes ${piece.from} to ${piece.to}, after ${failures} tries: ${error.message}\nAll before it is stored; it and what comes after it wait in the file. See the server's log, mend what it names, and start this again: it goes on at that line. Or keep a copy of that line, take it out of the file, and start again.`,
        { cause: error },
      )
    one.tried = { file: piece.file, to: Math.max(piece.to, one.tried?.file === piece.file ? one.tried.to : 0) }
    one.most = Math.floor(piece.bytes.length / 2)
    return true
  }

  /** A server on our data folder may have come back with another address. */
  async #findAgain(): Promise<void> {
    if (this.#config.FALCONER_URL !== undefined || this.client.url === null) return
    const holder = await (await import('../../store/embedded.ts')).holderOf(this.#config.FALCONER_DATA)
    if (typeof holder?.url === 'string') this.client = await openClient(this.#overrides)
  }
}

const isPassing = (error: unknown): error is Error =>
  error instanceof UnansweredError || (error instanceof ApiError && (error.status >= 500 || [408, 429].includes(error.status)))

async function* bytes(piece: Uint8Array): AsyncIterable<Uint8Array> {
  yield piece
}

async function giveUp(signal: AbortSignal, answered: AbortSignal): Promise<null> {
  await stopped(signal, answered)
  return new Promise((resolve) => {
    setTimeout(resolve, lastAnswerMs, null).unref()
  })
}

type Teller = ReturnType<typeof teller>
/** Says what happens: lines for people at most once a second, or every event as a line of JSON. */
function teller(json: boolean) {
  let toldAt = 0
  let away = false
  const line = (event: string, rest: object): void => print(JSON.stringify({ event, at: new Date().toISOString(), ...rest }))
  return {
    to: (url: string | null, config: Config): void => {
      if (json) return
      const data = config.DATABASE_URL === undefined ? config.FALCONER_DATA : 'the Postgres server'
      remark(
        url !== null
          ? `Following, to Falconer at ${url}. Ctrl-C stops it; the next start goes on from there.`
          : `Following, into ${data} directly${config.DATABASE_URL === undefined ? ': no server runs on that folder, and none can while this does' : ''}. Ctrl-C stops it; the next start goes on from there.`,
      )
    },
    note: (what: string, path: string, text: string): void => (json ? line(what, { path, text }) : remark(`${safe(path, 200)} ${text}`)),
    read: (one: Followed, piece: FollowedPiece, counts: Counts): void => {
      one.untold ??= none()
      for (const name of names) {
        one.counts[name] += counts[name]
        one.untold[name] += counts[name]
      }
      if (json) line('read', { path: one.path, file: piece.name, from: piece.from, to: piece.to, ...counts })
    },
    summary: (followed: readonly Followed[], busy: boolean): void => {
      if (busy && Date.now() - toldAt < 1_000) return
      for (const one of followed) {
        if (one.untold !== null && !json)
          print(`${new Date().toISOString().slice(11, 19)}  ${safe(basename(one.path), 60)}  ${inWords(one.untold)}`)
        if (one.untold !== null) toldAt = Date.now()
        one.untold = null
      }
    },
    away: (reason: string, seconds: number): void => {
      if (json) line('waiting', { reason, seconds })
      else if (!away) remark(`${reason}\nTrying again, after ${seconds} s at first; nothing is lost meanwhile: the file keeps it.`)
      away = true
    },
    back: (): void => {
      if (!json && away) remark('Falconer takes it again.')
      away = false
    },
    end: (followed: readonly Followed[]): void => {
      const files = followed.map(({ path, file, counts }) => ({ path, offset: file.offset(), ...counts }))
      if (json) line('stopped', { files })
      else
        for (const { path, offset, ...counts } of files)
          remark(
            `${safe(path, 200)}: ${inWords(counts)}. ${offset === null ? 'It was not there when this stopped.' : `Stopped at byte ${offset}.`}`,
          )
    },
  }
}

const inWords = ({ accepted, duplicates, internal, deadLetters }: Counts): string =>
  [
    `${accepted} new`,
    ...(duplicates > 0 ? [`${duplicates} repeated`] : []),
    ...(internal > 0 ? [`${internal} of the sensor about itself`] : []),
    ...(deadLetters > 0 ? [`${deadLetters} not readable (falconer dead-letters)`] : []),
  ].join(', ')
