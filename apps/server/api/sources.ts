import { z } from 'zod'
import { collectors } from '../../../collectors/registry.generated.ts'
import { InputError, NotFoundError } from '../../../domain/errors.ts'
import { appendAudit } from '../../../store/audit.ts'
import { getDeadLetter, listDeadLetters, markReplayed } from '../../../store/dead-letters.ts'
import {
  createSource,
  getSource,
  listSources,
  newSourceSecret,
  setSourceDisabled,
  setSourceSecret,
  type Source,
} from '../../../store/sources.ts'
import type { Falconer } from '../falconer.ts'
import { deliver } from '../deliver.ts'
import type { Who } from '../who.ts'
import { baseUrl } from '../urls.ts'
import { operation } from './operation.ts'
import { DeadLetterView, deadLetterView, SourceView, sourceView } from './views.ts'

const withSecret = z.object({
  source: SourceView,
  secret: z.string().describe('Shown this once; only its hash is kept'),
  connect: z.string().describe('How to connect it, Markdown'),
})

/** Makes a source and its secret. Throws InputError when the name is taken or the collector unknown. */
export async function addSource(
  falconer: Falconer,
  who: Pick<Who, 'principal' | 'channel'>,
  given: { name: string; collector: string; scope: string },
): Promise<z.infer<typeof withSecret>> {
  const collector = collectors.find((one) => one.name === given.collector)
  if (collector === undefined)
    throw new InputError(`There is no collector “${given.collector}”. There are: ${collectors.map((one) => one.name).join(', ')}.`)
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(given.name))
    throw new InputError('A source’s name has 1 to 63 small letters, digits, dots, dashes or underscores.')
  const secret = newSourceSecret()
  const { db, clock } = falconer
  const source = await db.transaction(async (tx) => {
    const made = await createSource(tx, { ...given, secret, at: clock.now() })
    if (made === undefined) throw new InputError(`There is already a source called ${given.name}.`)
    await appendAudit(tx, clock, {
      principal: who.principal,
      channel: who.channel,
      action: 'source added',
      subject: `source/${made.id}`,
      details: { name: given.name, collector: given.collector, scope: given.scope },
    })
    return made
  })
  falconer.changed('sources')
  return { source: sourceView(source), secret, connect: connectText(falconer, source, secret) }
}

export const connectText = (falconer: Falconer, source: Source, secret: string): string =>
  (collectors.find((one) => one.name === source.collector)?.connect ?? '')
    .replaceAll('{{url}}', baseUrl(falconer))
    .replaceAll('{{secret}}', secret)
    .replaceAll('{{scope}}', source.scope)

async function changeSource(
  falconer: Falconer,
  who: Who,
  idOrName: string,
  action: string,
  change: (tx: Parameters<typeof setSourceSecret>[0], source: Source) => Promise<void>,
): Promise<Source> {
  const { db, clock } = falconer
  const changed = await db.transaction(async (tx) => {
    const source = await getSource(tx, idOrName)
    if (source === undefined) throw new NotFoundError(`There is no source ${idOrName}.`)
    await change(tx, source)
    await appendAudit(tx, clock, {
      principal: who.principal,
      channel: who.channel,
      action,
      subject: `source/${source.id}`,
      details: { name: source.name },
    })
    return (await getSource(tx, source.id)) as Source
  })
  falconer.changed('sources')
  return changed
}

/** Gives a source a new secret; the old one stops working at once. */
export async function rotateSecret(falconer: Falconer, who: Who, idOrName: string): Promise<z.infer<typeof withSecret>> {
  const secret = newSourceSecret()
  const source = await changeSource(falconer, who, idOrName, 'source secret changed', (tx, found) => setSourceSecret(tx, found.id, secret))
  return { source: sourceView(source), secret, connect: connectText(falconer, source, secret) }
}
export const disableSource = (falconer: Falconer, who: Who, idOrName: string, disabled: boolean): Promise<Source> =>
  changeSource(falconer, who, idOrName, disabled ? 'source disabled' : 'source enabled', (tx, found) =>
    setSourceDisabled(tx, found.id, disabled ? falconer.clock.now() : null),
  )

/** Reads a dead letter again, with today's collectors. */
export async function replay(
  falconer: Falconer,
  who: Pick<Who, 'principal' | 'channel'>,
  id: string,
): Promise<{ accepted: number; deadLetters: number; format: string }> {
  const { db, clock } = falconer
  const letter = /^[0-9a-f-]{36}$/.test(id) ? await getDeadLetter(db, id) : undefined
  if (letter === undefined) throw new NotFoundError(`There is no dead letter ${id}.`)
  const source = letter.sourceId === null ? undefined : await getSource(db, letter.sourceId)
  const bytes = letter.raw
  const { tally, format } = await deliver(
    falconer,
    (async function* () {
      yield bytes
    })(),
    { path: 'replay', format: source?.collector, source: { id: letter.sourceId, name: source?.name ?? 'replay', scope: letter.scope } },
  )
  if (tally.deadLetters === 0)
    await db.transaction(async (tx) => {
      await markReplayed(tx, letter.id, clock.now())
      await appendAudit(tx, clock, {
        principal: who.principal,
        channel: who.channel,
        action: 'dead letter replayed',
        subject: `dead-letter/${letter.id}`,
        details: { ...tally },
      })
    })
  falconer.changed('sources')
  return { accepted: tally.accepted + tally.internal, deadLetters: tally.deadLetters, format }
}

export const sourceOperations = [
  operation({
    id: 'listSources',
    method: 'GET',
    path: '/sources',
    permission: 'sources.read',
    summary: 'What may send records, and when each was last heard',
    response: z.object({ sources: z.array(SourceView) }),
    run: async ({ falconer: { db } }) => ({ sources: (await listSources(db)).map(sourceView) }),
  }),
  operation({
    id: 'createSource',
    method: 'POST',
    path: '/sources',
    permission: 'sources.manage',
    summary: 'Add a source; answers its secret once',
    reveals: true,
    body: z.object({ name: z.string(), collector: z.string(), scope: z.string().min(1).max(100).optional() }),
    response: withSecret,
    run: ({ falconer, who, body }) =>
      addSource(falconer, who, { name: body.name, collector: body.collector, scope: body.scope ?? falconer.config.FALCONER_SCOPE }),
  }),
  operation({
    id: 'rotateSource',
    method: 'POST',
    path: '/sources/:source/rotate',
    permission: 'sources.manage',
    summary: 'New secret; the old one stops working',
    reveals: true,
    body: z.object({}).default({}),
    response: withSecret,
    run: ({ falconer, who, params }) => rotateSecret(falconer, who, params.source ?? ''),
  }),
  operation({
    id: 'disableSource',
    method: 'POST',
    path: '/sources/:source/disable',
    permission: 'sources.manage',
    summary: 'Refuse what it sends',
    body: z.object({}).default({}),
    response: SourceView,
    run: async ({ falconer, who, params }) => sourceView(await disableSource(falconer, who, params.source ?? '', true)),
  }),
  operation({
    id: 'enableSource',
    method: 'POST',
    path: '/sources/:source/enable',
    permission: 'sources.manage',
    summary: 'Take what it sends again',
    body: z.object({}).default({}),
    response: SourceView,
    run: async ({ falconer, who, params }) => sourceView(await disableSource(falconer, who, params.source ?? '', false)),
  }),
  operation({
    id: 'listDeadLetters',
    method: 'GET',
    path: '/dead-letters',
    permission: 'sources.read',
    summary: 'Input that could not be read, with reasons',
    query: z.object({ before: z.uuid().optional(), limit: z.coerce.number().int().min(1).max(200).default(50) }),
    response: z.object({ deadLetters: z.array(DeadLetterView) }),
    run: async ({ falconer: { db }, query }) => ({ deadLetters: (await listDeadLetters(db, query)).map(deadLetterView) }),
  }),
  operation({
    id: 'replayDeadLetter',
    method: 'POST',
    path: '/dead-letters/:letter/replay',
    permission: 'sources.manage',
    summary: 'Read it again',
    body: z.object({}).default({}),
    response: z.object({ accepted: z.number(), deadLetters: z.number(), format: z.string() }),
    run: ({ falconer, who, params }) => replay(falconer, who, params.letter ?? ''),
  }),
  operation({
    id: 'importInput',
    method: 'POST',
    path: '/import',
    permission: 'import',
    summary: 'Import one file: the body is its bytes',
    streams: true,
    query: z.object({
      path: z.string().describe('The file’s name, for messages'),
      scope: z.string().min(1).max(100).optional().describe('Cluster it belongs to'),
      format: z.string().optional(),
    }),
    response: z.object({
      path: z.string(),
      format: z.string(),
      read: z.number(),
      accepted: z.number(),
      duplicates: z.number(),
      internal: z.number(),
      skipped: z.number(),
      deadLetters: z.number(),
      entities: z.number(),
    }),
    run: async ({ falconer, query, stream, who }) => {
      const scope = query.scope ?? falconer.config.FALCONER_SCOPE
      const name = `${scope}-import`
      const source =
        (await createSource(falconer.db, { name, collector: 'falco', scope, secret: null, at: falconer.clock.now() })) ??
        (await getSource(falconer.db, name))
      const { format, read, skipped, tally, entities } = await deliver(
        falconer,
        (stream ?? new ReadableStream({ start: (controller) => controller.close() })) as unknown as AsyncIterable<Uint8Array>,
        { path: query.path, format: query.format, source: { id: source?.id ?? null, name, scope } },
      )
      falconer.log.info('imported', { path: query.path, by: who.principal.name, ...tally })
      return { path: query.path, format, read, ...tally, skipped, entities }
    },
  }),
]
