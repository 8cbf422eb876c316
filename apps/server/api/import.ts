/** The import operation: one file’s bytes in, what became of them out. The body is streamed, never held. */
import { z } from 'zod'
import { createSource, getSource } from '../../../store/sources.ts'
import { deliver } from '../deliver.ts'
import type { Falconer } from '../falconer.ts'
import { receive } from '../receive.ts'
import { ScopeName } from '../sources.ts'
import { operation } from './operation.ts'

export const importOperations = [
  operation({
    id: 'importInput',
    method: 'POST',
    path: '/import',
    permission: 'import',
    summary: 'Import one file: the body is its bytes',
    streams: true,
    query: z.object({
      path: z.string().max(1_000).describe('The file’s name, for messages'),
      scope: ScopeName.optional().describe('Cluster it belongs to'),
      format: z.string().optional(),
      again: z
        .enum(['true'])
        .optional()
        .describe('The same was sent before under this path and may have been stored: what is stored is not counted as seen again'),
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
      scans: z.number().describe('Reports of scanners that ended, empty ones too'),
      entities: z.number(),
    }),
    run: async ({ falconer, query, stream, who }) => {
      const again = query.again === 'true'
      const scope = query.scope ?? falconer.config.FALCONER_SCOPE
      const name = `${scope}-import`
      const source =
        (await createSource(falconer.db, { name, collector: 'falco', scope, secret: null, at: falconer.clock.now() })) ??
        (await getSource(falconer.db, name))
      const { format, read, skipped, scans, tally, entities } = await inOrder(falconer, `${scope}\n${query.path}`, again, () =>
        deliver(falconer, receive(stream ?? new ReadableStream({ start: (controller) => controller.close() })), {
          path: query.path,
          format: query.format,
          source: { id: source?.id ?? null, name, scope },
          again,
        }),
      )
      falconer.log.info('imported', { path: query.path, by: who.principal.name, ...tally })
      return { path: query.path, format, read, ...tally, skipped, scans, entities }
    },
  }),
]

const underWay = new WeakMap<Falconer, Map<string, Promise<unknown>>>()

/** What is sent again waits for all sendings before it, whose sender may have died while its last bytes were being committed; nothing else waits. */
async function inOrder<T>(falconer: Falconer, what: string, again: boolean, work: () => Promise<T>): Promise<T> {
  const running = underWay.get(falconer) ?? new Map<string, Promise<unknown>>()
  underWay.set(falconer, running)
  const before = running.get(what) ?? Promise.resolve()
  const mine = again ? before.then(work) : work()
  const all: Promise<unknown> = Promise.allSettled([before, mine]).then(() => {
    if (running.get(what) === all) running.delete(what)
  })
  running.set(what, all)
  return mine
}
