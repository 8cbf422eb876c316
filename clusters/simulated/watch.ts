/** Watching and selecting in the simulated cluster: what a label or field selector takes, and a stream of changes from a version on. */
import type http from 'node:http'
import type { ObjectEvent, ObjectStore, StoredObject } from './objects.ts'

/** Sends missed events, then new ones as they come; a version too old to be kept ends with 410, so that the watcher lists again. */
export function watch(
  store: ObjectStore,
  target: { resource: string; namespace: string | null },
  url: URL,
  response: http.ServerResponse,
): void {
  const since = Number(url.searchParams.get('resourceVersion') ?? store.version)
  const missed = store.eventsAfter(since)
  response.writeHead(200, { 'content-type': 'application/json' })
  const send = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`)
  }
  if (missed === undefined) {
    send('ERROR', {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version',
    })
    response.end()
    return
  }
  const wanted = selected(url)
  const forward = (event: ObjectEvent): void => {
    if (
      event.resource === target.resource &&
      (target.namespace === null || event.object.metadata.namespace === target.namespace) &&
      wanted(event.object)
    )
      send(event.type, event.object)
  }
  for (const event of missed) forward(event)
  store.watchers.add(forward)
  response.flushHeaders()
  response.on('close', () => store.watchers.delete(forward))
}

export function selected(url: URL): (object: StoredObject) => boolean {
  const pairs = (url.searchParams.get('labelSelector') ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => part.split('='))
  const fields = (url.searchParams.get('fieldSelector') ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => part.split('='))
  return (object) =>
    pairs.every(([name, value]) =>
      value === undefined ? object.metadata.labels?.[name ?? ''] !== undefined : object.metadata.labels?.[name ?? ''] === value,
    ) &&
    fields.every(([name, value]) =>
      name === 'metadata.name' ? object.metadata.name === value : name === 'spec.nodeName' ? object.spec?.nodeName === value : false,
    )
}
