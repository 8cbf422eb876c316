/** Resources and prompts of one reader, registered at their server. The filters are those of tools, and come first: what is left out is not there. */
import { type McpServer, ProtocolError, ProtocolErrorCode, ResourceTemplate } from '@modelcontextprotocol/server'
import { FalconerError, NotFoundError } from '../domain/errors.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { redact, redactDeep } from '../domain/redact.ts'
import { visible } from '../domain/untrusted.ts'
import { fence, fenceNote } from './quoted.ts'
import { addressOf, parseAddress, type ReaderContext, type Resource, scheme } from './resource.ts'
import { resources as catalog } from './resources/registry.generated.ts'
import { type Choice, mayUse } from './choice.ts'

/** The kinds of resource this reader has. Not chosen: all, for a resource costs a model nothing until it is opened. */
export const chosenResources = (reader: ReaderContext, choice: Choice, from: readonly Resource[] = catalog): Resource[] =>
  from.filter((one) => mayUse(reader.principal, choice, one))

/** The address as this reader may watch it; undefined: they may not, or there is no such kind. */
export function watchable(reader: ReaderContext, choice: Choice, text: string): { kind: Resource; id: string } | undefined {
  const address = parseAddress(text)
  const kind = address && chosenResources(reader, choice).find((one) => one.kind === address.kind)
  return kind && { kind, id: address.id }
}

type Failed = (what: string, error: unknown) => void

/** A value to choose must be usable as it stands: one that would have to be masked or escaped is not offered. */
export const canBeTold = (value: string): boolean => visible(redact(value), value.length + 1) === value

export function registerResources(server: McpServer, reader: ReaderContext, choice: Choice, failed: Failed): void {
  for (const kind of chosenResources(reader, choice)) registerKind(server, kind, reader, failed)
}

function registerKind(server: McpServer, kind: Resource, reader: ReaderContext, failed: Failed): void {
  const told = <T>(work: () => Promise<T>): Promise<T> => inOurWords(kind.kind, work, failed)
  const template = new ResourceTemplate(`${scheme}//${kind.kind}/{${kind.by}}`, {
    list: () =>
      told(async () => ({
        resources: (await kind.list(reader)).map(({ id, title, description }) => ({
          uri: addressOf(kind.kind, id),
          name: `${kind.kind} ${id}`,
          title: redact(title),
          description: redact(description),
          mimeType: 'text/markdown',
        })),
      })),
    complete: { [kind.by]: (text) => told(async () => (await kind.complete(text, reader)).filter(canBeTold)) },
  })
  const description = `${kind.description} Add ?format=json for JSON.`
  server.registerResource(kind.kind, template, { title: kind.title, description, mimeType: 'text/markdown' }, ({ href }) =>
    told(async () => ({ contents: [await readAt(kind, href, reader)] })),
  )
}

async function readAt(kind: Resource, href: string, reader: ReaderContext) {
  const address = parseAddress(href)
  if (address === undefined)
    throw new NotFoundError(`There is nothing at this address. One is ${addressOf(kind.kind, 'ID')}, with ?format=json for JSON.`)
  const view = redactDeep(kind.output.parse(await kind.read(address.id, reader)))
  if (address.format === 'json') return { uri: href, mimeType: 'application/json', text: stringifyExact(view) }
  const text = redact(kind.markdown(view))
  return { uri: href, mimeType: 'text/markdown', text: text.includes(fence.open) ? `> ${fenceNote}\n\n${text}` : text }
}

/** What is wrong is told as the protocol tells it; a fault of ours is told to the log. */
export async function inOurWords<T>(what: string, work: () => Promise<T>, failed: Failed): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof FalconerError) throw new ProtocolError(ProtocolErrorCode.InvalidParams, redact(error.message))
    failed(what, error)
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'Falconer failed to answer this; its log says why.')
  }
}
