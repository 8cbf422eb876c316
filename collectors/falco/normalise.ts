/** From one Falco document to one record. Pure: the same document and source give the same record. */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { type NewAlert, said } from '../../domain/alert.ts'
import { attackFromTags } from '../../domain/attack.ts'
import { documentKey } from '../../domain/document-key.ts'
import { InputError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import { parseExact, stringifyExact, whyUnfit } from '../../domain/exact-json.ts'
import { parsePriority, prioritySeverity } from '../../domain/severity.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import type { FalcoDocument } from './falco.ts'
import { truncatedFields } from './truncated.ts'

type Fields = Record<string, unknown>

export function* normaliseFalco(raw: FalcoDocument, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const document = unwrap(raw)
  const rule = text(document.rule) ?? text(document.Rule)
  if (rule === null) throw new InputError('not a Falco alert: it has no "rule"')
  if (rule.length > longestRule) throw new InputError(`"rule" is longer than ${longestRule} characters: that is no rule’s name`)
  const { fields, output } = saidIn(document)
  const hostname = text(document.hostname)
  const { text: written, bytes } = piece.document ?? { text: new TextDecoder().decode(piece.bytes), bytes: piece.bytes }
  const contentKey = documentKey(written, source.scope, ...(written.includes('\ufffd') ? lost(bytes) : []))
  const eventNs = eventTime(document, fields)
  if (/^Falco internal/i.test(rule)) {
    yield { kind: 'internal', contentKey, name: rule, eventNs, hostname, fields, raw: piece.bytes }
    return
  }
  const priority = parsePriority(text(document.priority) ?? '')
  if (priority === undefined)
    throw new InputError(
      `"priority" is ${stringifyExact(document.priority ?? null).slice(0, 60)}; expected one of Falco’s eight, such as "Warning"`,
    )
  if (eventNs === null && !hasNoTime(document))
    throw new InputError(
      `its "time" cannot be read: ${stringifyExact(document.time ?? null).slice(0, 60)}; expected RFC 3339 between 1678 and 2262, or "evt.time" in nanoseconds`,
    )
  const tags = Array.isArray(document.tags) ? document.tags.filter((tag): tag is string => typeof tag === 'string') : []
  const alert: NewAlert = {
    scope: source.scope,
    contentKey,
    sensor: 'falco',
    sensorSource: text(document.source),
    eventNs: eventNs ?? source.receivedNs,
    eventTimeFrom: eventNs === null ? 'received' : 'event',
    rule,
    priority,
    severity: prioritySeverity[priority],
    hostname,
    activityKey: null,
    relayedAs: text(document.uuid),
    truncated: truncatedFields(fields, document.output),
    tags,
    ...attackFromTags(tags),
    output,
    container: containerOf(fields),
    pod: podOf(fields),
    process: processOf(fields),
    file: fileOf(fields),
    connection: connectionOf(fields),
    fields,
    document,
    raw: piece.bytes,
    ...(piece.document?.alone === true && document === raw ? { rawIsDocument: true } : {}),
  }
  yield { kind: 'alert', alert }
}

const longestRule = 500

/** Bytes that are not UTF-8 are read as U+FFFD, all alike: then the bytes themselves make the difference. */
const lost = (bytes: Uint8Array): string[] => (isUtf8(bytes) ? [] : [createHash('sha256').update(bytes).digest('hex')])

/** A CloudEvents envelope (falco.rule.output.v1) holds the alert in `data`, or as Base64 in `data_base64`. */
function unwrap(raw: FalcoDocument): FalcoDocument {
  if (raw.specversion === undefined) return raw
  const data = typeof raw.data_base64 === 'string' ? parseBase64(raw.data_base64) : raw.data
  return data !== null && typeof data === 'object' && !Array.isArray(data) ? (data as FalcoDocument) : raw
}

/** Packed as text, it was not looked through with what holds it. */
function parseBase64(text: string): unknown {
  let data: unknown
  try {
    data = parseExact(Buffer.from(text, 'base64').toString())
  } catch (error) {
    throw new InputError('the CloudEvent’s "data_base64" is not JSON', { cause: error })
  }
  const unfit = whyUnfit(data)
  if (unfit !== null) throw new InputError(`the CloudEvent’s "data_base64": ${unfit}`)
  return data
}

function saidIn(document: FalcoDocument): Pick<NewAlert, 'output' | 'fields'> {
  const found = said(document)
  if (typeof found.fields !== 'object' || Array.isArray(found.fields)) throw new InputError('"output_fields" is not an object')
  return found
}

/** No time at all (falcosidekick's tests): the moment we received it stands in, and the alert says so. */
const hasNoTime = (document: FalcoDocument): boolean =>
  document.time === undefined ||
  document.time === null ||
  document.time === '' ||
  (typeof document.time === 'string' && document.time.startsWith('0001-01-01'))

const maxNs = 9_223_372_036_854_775_807n

/** evt.time in nanoseconds when it is there (exact), else the document's `time`. Null when neither can be read. */
function eventTime(document: FalcoDocument, fields: Fields): bigint | null {
  const exact = fields['evt.time'] ?? fields['evt.rawtime']
  if (typeof exact === 'bigint' && exact > 0n && exact <= maxNs) return exact
  if (hasNoTime(document) && fields['evt.time.iso8601'] === undefined && typeof fields['evt.time'] !== 'string') return null
  for (const candidate of [document.time, fields['evt.time'], fields['evt.time.iso8601']]) {
    if (typeof candidate === 'bigint' && candidate > 0n && candidate <= maxNs) return candidate
    const parsed = typeof candidate === 'string' ? parseEventTime(candidate) : undefined
    if (parsed !== undefined && parsed <= maxNs && parsed >= -maxNs) return parsed
  }
  return null
}

function containerOf(fields: Fields): NewAlert['container'] {
  const id = text(fields['container.id'])
  if (id === null || id === 'host') return null
  const repository = text(fields['container.image.repository']) ?? text(fields['container.image'])
  const tag = text(fields['container.image.tag'])
  return {
    id,
    name: text(fields['container.name']),
    image: repository === null ? null : tag === null ? repository : `${repository}:${tag}`,
  }
}

function podOf(fields: Fields): NewAlert['pod'] {
  const namespace = text(fields['k8s.ns.name']) ?? text(fields['k8smeta.ns.name'])
  const name = text(fields['k8s.pod.name']) ?? text(fields['k8smeta.pod.name'])
  if (namespace === null || name === null) return null
  return { namespace, name, uid: text(fields['k8s.pod.uid']) ?? text(fields['k8smeta.pod.uid']) ?? text(fields['k8s.pod.id']) }
}

function processOf(fields: Fields): NewAlert['process'] {
  const name = text(fields['proc.name'])
  const cmdline = text(fields['proc.cmdline'])
  const pid = integer(fields['proc.pid'])
  if (name === null && cmdline === null && pid === null) return null
  const ancestors: string[] = []
  for (let depth = 1; depth < 16; depth += 1) {
    const ancestor = text(fields[`proc.aname[${depth}]`])
    if (ancestor !== null) ancestors.push(ancestor)
  }
  const terminal = integer(fields['proc.tty'])
  return {
    name,
    cmdline,
    pid,
    exepath: text(fields['proc.exepath']),
    startNs: integer(fields['proc.pid.ts']) ?? integer(fields['proc.start_ts']),
    parentName: text(fields['proc.pname']),
    parentCmdline: text(fields['proc.pcmdline']),
    parentPid: integer(fields['proc.ppid']),
    ancestors,
    user: text(fields['user.name']),
    uid: integer(fields['user.uid']),
    terminal: terminal !== null && terminal !== 0n,
  }
}

function fileOf(fields: Fields): string | null {
  const name = text(fields['fd.name'])
  return name?.startsWith('/') === true ? name : text(fields['fs.path.name'])
}

function connectionOf(fields: Fields): NewAlert['connection'] {
  const [client, server] = (text(fields['fd.name']) ?? '').split('->')
  const port = (value: unknown, fallback: string | undefined): number | null => {
    const given = integer(value) ?? integer(fallback)
    return given !== null && given >= 0n && given <= 65_535n ? Number(given) : null
  }
  const split = (end: string | undefined): [string | null, string | undefined] => {
    const match = /^\[?([0-9a-f.:]+?)\]?:(\d{1,5})$/i.exec(end ?? '')
    return [match?.[1] ?? null, match?.[2]]
  }
  const [clientIp, clientPort] = server === undefined ? [null, undefined] : split(client)
  const [serverIp, serverPort] = split(server)
  const connection = {
    clientIp: text(fields['fd.cip']) ?? clientIp,
    clientPort: port(fields['fd.cport'], clientPort),
    serverIp: text(fields['fd.sip']) ?? text(fields['fd.rip']) ?? serverIp,
    serverPort: port(fields['fd.sport'] ?? fields['fd.rport'], serverPort),
    protocol: text(fields['fd.l4proto']),
  }
  return connection.clientIp === null && connection.serverIp === null ? null : connection
}

/** A field's text; Falco writes `<NA>` for what it does not know. */
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' && value !== '<NA>' ? value : null)

function integer(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? BigInt(value) : null
}
