/**
 * Ingest: what sources push. Answered 200 only after commit. The secret is a bearer token, or the last part of the path
 * for Falco, which sends no header; it is compared by hash and never logged.
 */
import type { HttpBindings } from '@hono/node-server'
import DataLoader from 'dataloader'
import { Hono } from 'hono'
import { InputError } from '../../domain/errors.ts'
import { type Source, sourcesBySecrets } from '../../store/sources.ts'
import { deliver } from './deliver.ts'
import type { Falconer } from './falconer.ts'
import { receive, tooLarge } from './receive.ts'
import { type Bindings, SignInError } from './who.ts'

type IngestEnv = { Bindings: Bindings & Partial<HttpBindings> }

export const ingestRoute = { method: 'POST', path: '/ingest/:collector/:secret?' } as const

export function ingestRoutes(falconer: Falconer): Hono<IngestEnv> {
  const routes = new Hono<IngestEnv>()
  const sourceOf = sourceDesk(falconer)
  routes.post('/:collector/:secret?', async (context) => {
    const limit = falconer.config.FALCONER_INGEST_MAX_BYTES
    const announced = Number(context.req.header('content-length') ?? 0)
    if (announced > limit) throw tooLarge(limit)
    // Before anything is asked or read: what waits for the database costs memory too.
    const room = falconer.intake.enter(announced)
    try {
      const secret = context.req.param('secret') ?? /^Bearer\s+(\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
      const source = secret === undefined ? undefined : await sourceOf(secret)
      if (source === undefined)
        throw new SignInError(
          'This source’s secret is missing, wrong, or disabled. Send it as “Authorization: Bearer …” or as the last part of the path.',
        )
      if (source.collector !== context.req.param('collector'))
        throw new InputError(`This secret belongs to a source of ${source.collector}; post it to /ingest/${source.collector}.`)
      checkEncoding(context.req.header('content-encoding'))
      // Node's own stream where there is one (the standard request around it costs more than a small post); it stays open for the answer.
      const body = context.env?.incoming?.iterator({ destroyOnReturn: false }) ?? context.req.raw.body
      if (body === null) return context.json({ accepted: 0, duplicates: 0, internal: 0, deadLetters: 0 })
      const { tally, scans, firstDeadLetter } = await deliver(falconer, receive(body, { limit, room, patienceMs }), {
        path: source.name,
        format: source.collector,
        source: { id: source.id, name: source.name, scope: source.scope },
        maxBytes: limit,
        strict: true,
        live: true,
        onCommitted: (bytes) => room.shrink(bytes),
      })
      return context.json({ ...tally, ...(scans === 0 ? {} : { scans }), ...(firstDeadLetter === null ? {} : { firstDeadLetter }) })
    } finally {
      room.leave()
    }
  })
  return routes
}

/** Gzip is known by its first bytes, announced or not. */
function checkEncoding(named: string | undefined): void {
  if (named !== undefined && !/^\s*(?:identity|(?:x-)?gzip)?\s*$/i.test(named))
    throw new InputError(`The body’s Content-Encoding is “${named.slice(0, 60)}”, which is not read here. Send it as gzip, or as it is.`)
}

/**
 * Whose secret it is. An answer holds for a second at most, and until a source is changed here: what another server disables is
 * refused here within that second.
 */
function sourceDesk({ db, changes }: Falconer): (secret: string) => Promise<Source | undefined> {
  const desk = new DataLoader<string, Source | undefined>((secrets) => sourcesBySecrets(db, secrets), { batchScheduleFn: setImmediate })
  let since = Number.NEGATIVE_INFINITY
  const forget = (): void => {
    desk.clearAll()
    since = performance.now()
  }
  changes.on('sources', forget)
  return async (secret) => {
    if (performance.now() - since > rememberedMs) forget()
    const source = await desk.load(secret)
    // Who guesses must not fill the memory.
    if (source === undefined) desk.clear(secret)
    return source
  }
}
const rememberedMs = 1_000
const patienceMs = 10_000
