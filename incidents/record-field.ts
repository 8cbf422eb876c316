/**
 * Reading one field of a stored record by its path, as text: the one function with which claims are both written
 * and checked. Paths: `rule`, `priority`, `eventTime`, `hostname`, `container.id`, `pod`, `fields.<Falco field>` of an
 * alert; `name`, `namespace`, `key`, `kind`, `properties.<path>` of an entity.
 */
import type { Alert } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import { formatEventTime } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'

export function alertField(alert: Alert, path: string): string | null {
  if (path.startsWith('fields.')) return asText(own(alert.fields, path.slice('fields.'.length)))
  switch (path) {
    case 'rule':
      return alert.rule
    case 'priority':
      return alert.priority
    case 'eventTime':
      return formatEventTime(alert.eventNs)
    case 'hostname':
      return alert.hostname
    case 'container.id':
      return alert.container?.id ?? null
    case 'container.image':
      return alert.container?.image ?? null
    case 'pod':
      return alert.pod === null ? null : `${alert.pod.namespace}/${alert.pod.name}`
    case 'process.name':
      return alert.process?.name ?? null
    case 'process.cmdline':
      return alert.process?.cmdline ?? null
    case 'process.parentName':
      return alert.process?.parentName ?? null
    case 'process.user':
      return alert.process?.user ?? null
    case 'file':
      return alert.file
    case 'connection.serverIp':
      return alert.connection?.serverIp ?? null
    case 'connection.serverPort':
      return asText(alert.connection?.serverPort)
    default:
      return null
  }
}

export function entityField(entity: Entity, path: string): string | null {
  switch (path) {
    case 'name':
      return entity.name
    case 'namespace':
      return entity.namespace
    case 'key':
      return entity.key
    case 'kind':
      return entity.kind
    case 'pod':
      return `${entity.namespace}/${entity.name}`
    default: {
      if (!path.startsWith('properties.')) return null
      let at: unknown = entity.properties
      for (const part of path.slice('properties.'.length).split('.')) at = own(at, part)
      return asText(at)
    }
  }
}

/** What the record itself holds; never what every object has. */
const own = (value: unknown, name: string): unknown =>
  value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : stringifyExact(value)
}
