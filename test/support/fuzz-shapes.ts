/** Every shape in which Falco’s alerts come to us, made of two alerts of our own; what each shape must be read as. */
import { gzipSync } from 'node:zlib'
import { stringifyExact } from '../../domain/exact-json.ts'

export type Shape = {
  name: string
  body: Buffer
  alerts: number
  /** Pieces of text that are no record. */ text?: number
  internal?: number
  headers?: Record<string, string>
  /** The same alerts as the first shape's, so already stored once that is. */ same: boolean
}

export function falcoAlert(over: Record<string, unknown> = {}, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    hostname: 'worker-1',
    output: '09:40:04.338075531: Notice A shell said "hi" | command=sh -c \'a } b\'\t€ user=root',
    priority: 'Notice',
    rule: 'Terminal shell in container',
    source: 'syscall',
    tags: ['container', 'T1059'],
    time: '2026-09-14T09:40:04.338075531Z',
    output_fields: {
      'container.id': '137fd247aabd',
      'evt.time': 1789378804338075531n,
      'proc.aname[2]': 'containerd-shim',
      'proc.cmdline': 'sh -c \'echo "{}" > C:\\x\'',
      'proc.pid': 4140,
      'user.loginuid': -1,
      'user.name': '<NA>',
      ...fields,
    },
    ...over,
  }
}

const first = falcoAlert()
const second = falcoAlert({ rule: 'Read sensitive file untrusted', priority: 'Warning' }, { 'evt.time': 1789378804338075532n })
const [a, b] = [stringifyExact(first), stringifyExact(second)] as const
const indented = (text: string): string =>
  stringifyIndented(JSON.parse(text.replaceAll(/:(\d{16,})/g, ':"#$1"'))).replaceAll(/"#(\d+)"/g, '$1')
const stringifyIndented = (value: unknown): string => JSON.stringify(value, null, 2)
const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`
const wrapped = (name: string, text: string, more: Record<string, unknown> = {}): string => JSON.stringify({ [name]: text, ...more })
const utf16 = (text: string, big = false): Buffer => (big ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, 'utf16le'))
const cloudEvent = (data: object): object => ({
  specversion: '1.0',
  type: 'falco.rule.output.v1',
  id: '6f1c',
  source: 'https://falco.org',
  datacontenttype: 'application/json',
  ...data,
})
const startUp = 'Mon Sep 14 09:39:00 2026: Falco version: 0.44.1 (x86_64)\nMon Sep 14 09:39:00 2026: Loaded event sources: syscall'
const internal = stringifyExact(falcoAlert({ rule: 'Falco internal: metrics snapshot', source: 'internal', priority: 'Informational' }))
const dropped = stringifyExact(falcoAlert({ rule: 'Falco internal: syscall event drop', source: 'internal', priority: 'Debug' }))
export const sources = ['syscall', 'syscalls', 'k8s_audit', 'aws_cloudtrail', 'gcp_auditlog', 'internal', 'debug', 'none', 'okta', 'github']
const priorities = ['EMERGENCY', 'Alert', 'critical', 'Error', 'wArNiNg', 'Notice', 'Informational', 'INFO', 'informational', 'debug']

const same = (name: string, body: string | Buffer, more: Partial<Shape> = {}): Shape => ({
  name,
  body: Buffer.from(body as string),
  alerts: 2,
  same: true,
  ...more,
})
const other = (name: string, bodies: readonly unknown[], more: Partial<Shape> = {}): Shape =>
  same(name, bodies.map((one) => (typeof one === 'string' ? one : stringifyExact(one))).join('\n'), {
    alerts: bodies.length,
    same: false,
    ...more,
  })

export const shapes: readonly Shape[] = [
  same('NDJSON', `${a}\n${b}\n`),
  same('one object', a, { alerts: 1 }),
  same('NDJSON between start-up text', `${startUp}\n${a}\nEvents detected: 1\n${b}\n`, { text: 3 }),
  same('concatenated', `${a}${b}`),
  same('pretty-printed', `${indented(a)}\n${indented(b)}\n`),
  same('an array', `[${a},${b}]`),
  same('an array over lines', `[\n${indented(a)},\n${indented(b)}\n]\n`),
  same('grep -n', `12:${a}\n13:${b}\n`),
  same('grep -rn', `logs/falco.log:12:${a}\nlogs/falco.log:13:${b}\n`),
  same('a byte order mark', `\ufeff${a}\n${b}`),
  same('two files with marks, one behind the other', `\ufeff${a}\n\ufeff${indented(b)}`),
  same('CRLF', `${a}\r\n${b}\r\n`),
  same('UTF-16 little-endian', utf16(`\ufeff${a}\r\n${b}\r\n`)),
  same('UTF-16 big-endian', utf16(`\ufeff${a}\r\n${b}\r\n`, true)),
  same('UTF-16 little-endian without a mark', utf16(`${a}\r\n${b}\r\n`)),
  same('UTF-16 big-endian without a mark', utf16(`${a}\r\n${b}\r\n`, true)),
  same('tab-separated columns', `2026-09-14\tworker-1\t${a}\n2026-09-14\tworker-1\t${b}\n`),
  same('quoted columns', `time\talert\n2026-09-14\t${cell(a)}\n2026-09-14\t${cell(b)}\n`, { text: 1 }),
  same('quoted columns with commas', `1,${cell(a)},x\n2,${cell(b)},x\n`, { text: 2 }),
  same('a call of curl', `curl -d '${a.replaceAll("'", '’')}' http://localhost:2801/`, { alerts: 1, text: 1, same: false }),
  same(
    'Docker’s json-file',
    [a, b].map((one) => wrapped('log', `${one}\n`, { stream: 'stdout', time: '2026-09-14T09:40:05Z' })).join('\n'),
  ),
  same('CRI', [a, b].map((one) => `2026-09-14T09:40:05.1Z stdout F ${one}`).join('\n')),
  same('CRI in Fluent Bit', JSON.stringify([a, b].map((one) => ({ date: 1.5, log: `2026-09-14T09:40:05.1Z stdout F ${one}` })))),
  same('journald', [a, b].map((one) => wrapped('MESSAGE', one, { _SYSTEMD_UNIT: 'falco.service', __REALTIME_TIMESTAMP: '17' })).join('\n')),
  same('Vector', [a, b].map((one) => wrapped('message', one, { source_type: 'file', host: 'w' })).join('\n')),
  same('Loki', [a, b].map((one) => wrapped('line', one, { labels: { app: 'falco' } })).join('\n')),
  same('a shipper’s start-up text', [wrapped('log', 'Falco version: 0.44.1\n'), wrapped('log', a)].join('\n'), { alerts: 1, text: 1 }),
  same('syslog', `Sep 14 09:40:05 worker-1 falco[77]: ${a}\nSep 14 09:40:05 worker-1 falco[77]: ${b}`),
  same('kubectl logs --prefix', `[pod/falco-1/falco] ${a}\n[pod/falco-1/falco] ${b}`),
  same('gzip', gzipSync(`${a}\n${b}`)),
  same('gzip, two members', Buffer.concat([gzipSync(`${a}\n`), gzipSync(b)])),
  same('gzip over UTF-16', gzipSync(utf16(`${a}\n${b}`))),
  same('CloudEvents, binary', a, {
    alerts: 1,
    headers: { 'ce-specversion': '1.0', 'ce-type': 'falco.rule.output.v1', 'ce-id': '1', 'ce-source': 'https://falco.org' },
  }),
  other('CloudEvents, structured', [cloudEvent({ data: first })], { headers: { 'content-type': 'application/cloudevents+json' } }),
  other('CloudEvents, Base64', [cloudEvent({ id: '2', data_base64: Buffer.from(b).toString('base64') })]),
  other('CloudEvents, batched', [stringifyExact([cloudEvent({ id: '3', data: first }), cloudEvent({ id: '4', data: second })])], {
    alerts: 2,
    headers: { 'content-type': 'application/cloudevents-batch+json' },
  }),
  other('falcosidekick', [falcoAlert({ uuid: 'e6a1-1', source: 'syscalls' }, { environment: 'production', team: null })]),
  other('a capital Rule', [a.replace('"rule"', '"Rule"')]),
  other(
    'every source',
    sources.map((source, index) => falcoAlert({ source }, { n: index })),
  ),
  other(
    'every priority',
    priorities.map((priority, index) => falcoAlert({ priority }, { m: index })),
  ),
  other('nothing but what must be there', ['{"rule":"x","priority":"Error","time":"2026-09-14T09:40:04Z"}']),
  other('Falco’s own messages', [internal, dropped], { alerts: 0, internal: 2 }),
]
