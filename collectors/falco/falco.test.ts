import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gzipSync } from 'node:zlib'
import type { NewAlert } from '../../domain/alert.ts'
import { parseExact, stringifyExact } from '../../domain/exact-json.ts'
import { property } from '../../test/support/sizes.ts'
import { type Batch, readInput, type ReadCounts } from '../read.ts'

const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
async function read(
  content: string | Uint8Array,
  options: { strict?: boolean; format?: string; maxDeadLetters?: number } = {},
): Promise<{ counts: ReadCounts; alerts: NewAlert[]; dead: Batch['deadLetters'] }> {
  const batches: Batch[] = []
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const counts = await readInput(
    (async function* () {
      for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777)
    })(),
    {
      path: 'input',
      format: 'falco',
      source,
      onBatch: async (batch) => {
        batches.push(batch)
      },
      ...options,
    },
  )
  return {
    counts,
    alerts: batches.flatMap((batch) => batch.records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : []))),
    dead: batches.flatMap((batch) => batch.deadLetters),
  }
}

/** One alert in Falco's own shape. */
const alert = (over: Record<string, unknown> = {}, fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  hostname: 'worker-1',
  output: '09:40:04.338075531: Critical Drop and execute new binary in container | user=root',
  priority: 'Critical',
  rule: 'Drop and execute new binary in container',
  source: 'syscall',
  tags: ['container', 'mitre_persistence', 'TA0003', 'T1059.004'],
  time: '2026-09-14T09:40:04.338075531Z',
  output_fields: {
    'container.id': '137fd247aabd',
    'container.name': 'checkout',
    'evt.time': 1789378804338075531n,
    'k8s.ns.name': null,
    'k8s.pod.name': '<NA>',
    'proc.cmdline': 'kworkerd -o 203.0.113.77:4444',
    'proc.name': 'kworkerd',
    'proc.pid': 4140,
    'proc.tty': 0,
    'user.uid': 1000,
    ...fields,
  },
  ...over,
})
const line = (document: unknown): string => stringifyExact(document)

describe('Falco alerts', () => {
  it('keeps nanoseconds, nulls, unknown fields and the raw bytes', async () => {
    const text = line(alert({ brand_new: { deep: [1, 2] } }, { 'custom.field': null }))
    const { alerts } = await read(text)
    expect(alerts[0]).toMatchObject({
      eventNs: 1789378804338075531n,
      rule: 'Drop and execute new binary in container',
      priority: 'Critical',
      severity: 'critical',
      tactics: ['TA0003'],
      techniques: ['T1059.004'],
      pod: null,
      container: { id: '137fd247aabd' },
      process: { pid: 4140n, terminal: false },
    })
    expect(alerts[0]?.fields['evt.time']).toBe(1789378804338075531n)
    expect(alerts[0]?.fields).toHaveProperty('custom.field', null)
    expect(alerts[0]?.document).toMatchObject({ brand_new: { deep: [1, 2] } })
    expect(Buffer.from(alerts[0]?.raw ?? []).toString()).toBe(text)
  })

  it('reads one, many a line, an array, pretty-printed, gzipped, UTF-16 and CRLF alike', async () => {
    const [a, b] = [line(alert()), line(alert({ rule: 'Read sensitive file untrusted', priority: 'Warning' }))]
    const pretty = JSON.stringify(JSON.parse(b), null, 2)
    for (const content of [
      `${a}\n${b}\n`,
      `${a}${b}`,
      `[${a},${b}]`,
      `[\n${a},\n${b}\n]`,
      `${a}\r\n${b}\r\n`,
      gzipSync(`${a}\n${b}`),
      Buffer.from(`\ufeff${a}\n${b}`, 'utf16le'),
      `\ufeff${a}\n${pretty}`,
    ]) {
      const { counts, alerts, dead } = await read(content)
      expect(dead).toEqual([])
      expect(alerts.map((one) => one.priority)).toEqual(['Critical', 'Warning'])
      expect(counts).toMatchObject({ read: 2, records: 2 })
    }
  })

  it('reads what people keep: grep’s prefixes, table cells, curl lines, a capital Rule, CloudEvents, PowerShell’s UTF-16', async () => {
    const a = line(alert())
    const event = { specversion: '1.0', type: 'falco.rule.output.v1', id: '1', source: 'falco', data: alert() }
    const utf16be = Buffer.from(`\ufeff${a}\r\nEvents detected: 1\r\n`, 'utf16le').swap16()
    for (const [content, skipped] of [
      [`12:${a}\nlogs/falco.log:7:${a.replace('kworkerd', 'xmrig')}`, 0],
      [`2026-09-14\tworker-1\t${a}\tend`, 1],
      [`# send it\ncurl -d '${a}' http://localhost:2801/`, 2],
      [a.replace('"rule"', '"Rule"'), 0],
      [line(event), 0],
      [utf16be, 1],
      [`2026-09-14T09:40:05.1Z stdout F ${a}`, 0],
      [`a {brace} in text ${a}`, 1],
    ] as const) {
      const { alerts, dead, counts } = await read(content)
      expect(dead).toEqual([])
      expect(alerts[0]).toMatchObject({ rule: 'Drop and execute new binary in container', eventNs: 1789378804338075531n })
      expect(counts.skipped).toBe(skipped)
    }
  })

  it('never takes an alert that was cut off behind a prefix for text', async () => {
    const { dead, counts } = await read(`${line(alert())}\n2026-09-14T09:40:05.1Z stdout P ${line(alert()).slice(0, 300)}\n`)
    expect(counts).toMatchObject({ read: 2, records: 1, deadLetters: 1 })
    expect(dead[0]?.reason).toMatch(/does not end on its line/)
  })

  it('refuses what no record can hold, with the reason: numbers beyond all bounds, endless names', async () => {
    const huge = line(alert()).replace('"proc.pid":4140', '"proc.pid":4e999')
    const long = line(alert({ rule: 'r'.repeat(501) }))
    const { dead, counts } = await read(`${huge}\n${long}\n${line(alert())}`)
    expect(counts).toMatchObject({ read: 3, records: 1, deadLetters: 2 })
    expect(dead.map((letter) => letter.reason)).toEqual([
      'it holds a number too large to be kept',
      '"rule" is longer than 500 characters: that is no rule’s name',
    ])
  })

  it('keeps alerts apart that differ only in bytes which are not UTF-8', async () => {
    const [head, tail] = line(alert()).split('kworkerd -o')
    const withByte = (byte: number): Buffer => Buffer.concat([Buffer.from(`${head}k`), Buffer.from([byte]), Buffer.from(`${tail}`)])
    const { alerts } = await read(Buffer.concat([withByte(0xff), Buffer.from('\n'), withByte(0xfe), Buffer.from('\n'), withByte(0xff)]))
    expect(alerts.map((one) => one.process?.cmdline)).toEqual(Array.from({ length: 3 }, () => 'k\ufffd 203.0.113.77:4444'))
    expect(alerts[0]?.contentKey).not.toBe(alerts[1]?.contentKey)
    expect(alerts[0]?.contentKey).toBe(alerts[2]?.contentKey)
  })

  it('knows all eight priorities in any case, and refuses others with the reason', async () => {
    for (const priority of ['Emergency', 'ALERT', 'critical', 'Error', 'WARNING', 'Notice', 'Informational', 'INFO', 'debug'])
      expect((await read(line(alert({ priority })))).alerts).toHaveLength(1)
    const { dead } = await read(line(alert({ priority: 'Urgent' })))
    expect(dead[0]?.reason).toMatch(/Urgent.*expected one of Falco’s eight/)
  })

  it('never reads meaning from prose: a forged output changes nothing but itself', async () => {
    const forged = 'user=root container_id=ffffffffffff k8s_ns=kube-system\n{"rule":"Forged","priority":"Debug"} proc.name=evil'
    fc.assert(
      fc.property(fc.constantFrom(forged, `${forged}\u0000\u202e`), fc.string(), (prose, more) => prose + more !== ''),
      { numRuns: 1 },
    )
    const plain = (await read(line(alert()))).alerts[0]
    for (const output of [forged, `x", "rule": "Other", "y": "`, '\u202eevil\u0007']) {
      const { alerts } = await read(line(alert({ output })))
      expect(alerts).toHaveLength(1)
      const { output: shown, contentKey, raw, document, ...rest } = alerts[0] as NewAlert
      const { output: _o, contentKey: key, raw: _r, document: _d, ...expected } = plain as NewAlert
      expect(shown).toBe(output)
      expect(contentKey).not.toBe(key)
      expect(rest).toEqual(expected)
      expect([raw, document]).toBeDefined()
    }
  })

  it('gives distinct events distinct keys, and the same event the same key whatever its key order and white space', async () => {
    const key = async (document: unknown): Promise<string> => (await read(line(document))).alerts[0]?.contentKey as string
    const base = await key(alert())
    expect(
      await key(
        JSON.parse(JSON.stringify(JSON.parse(line(alert())), null, 4).replaceAll('1789378804338075500', '1789378804338075531')) as never,
      ),
    ).not.toBe('')
    const reversed = (value: unknown): unknown =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, inner]) => [name, reversed(inner)]),
          )
        : value
    expect(await key(reversed(parseExact(line(alert()))))).toBe(base)
    const near = [
      alert({}, { 'evt.time': 1789378804338075532n }),
      alert({}, { 'proc.pid': 4141 }),
      alert({}, { 'k8s.ns.name': '' }),
      alert({}, { extra: null }),
      alert({ tags: [] }),
      alert({ hostname: 'worker-2' }),
      alert({ output: 'x' }),
      alert({ uuid: 'a' }),
      alert({}, { 'user.uid': '1000' }),
    ]
    const keys = new Set([base, ...(await Promise.all(near.map(key)))])
    expect(keys.size).toBe(near.length + 1)
  })

  it('counts Falco’s own messages apart, and takes start-up text as no record', async () => {
    const { counts, alerts } = await read(
      `Mon Sep 14 09:39:00 2026: Falco version: 0.42.1 (x86_64)\n${line({ ...alert(), rule: 'Falco internal: syscall event drop' })}\n${line(alert())}\n`,
    )
    expect(counts).toMatchObject({ read: 2, internal: 1, records: 1, skipped: 1 })
    expect(alerts).toHaveLength(1)
    expect((await read('Falco version: 0.42.1\n', { strict: true })).counts).toMatchObject({ read: 1, deadLetters: 1 })
  })

  it('accounts for every byte of whatever comes: nothing crashes, nothing vanishes', async () => {
    const good = line(alert())
    const broken = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.json(),
      fc.constantFrom(
        '{',
        '}',
        '[[[',
        '{"rule":',
        '{"rule":1}',
        '{"rule":"x","priority":[]}',
        '{"rule":"x","priority":"Error","output_fields":[]}',
        '{"rule":"x","priority":"Error","time":"never"}',
        '"'.repeat(50),
        `{"rule":"x","priority":"Error","a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`,
        '\0',
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(broken, fc.constant(good)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 30 }),
        async (parts, noise) => {
          const { counts, alerts, dead } = await read(Buffer.concat([Buffer.from(parts.join('\n')), Buffer.from(noise)]), { strict: true })
          expect(counts.read).toBe(alerts.length + counts.internal + dead.length)
        },
      ),
      property(20_000, 400) as fc.Parameters<[unknown, unknown]>,
    )
  })
})

describe('What would exhaust a stack, or a table', () => {
  const whole = stringifyExact(alert())
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
  const inBase64 = (inner: string): string =>
    JSON.stringify({ specversion: '1.0', type: 'falco.rule.output.v1', data_base64: Buffer.from(inner).toString('base64') })

  it.each([
    ['deep in Base64', inBase64(`{"rule":"x","priority":"Error","a":${nested(5_000)}}`), 'nested deeper than 64 levels'],
    ['65 levels in Base64', inBase64(`{"rule":"x","priority":"Error","a":${nested(65)}}`), 'nested deeper than 64 levels'],
    ['1e400 in Base64', inBase64('{"rule":"x","priority":"Error","output_fields":{"a":1e400}}'), 'a number too large'],
    [
      'deep, wrapped by a shipper',
      JSON.stringify({ log: `{"rule":"x","priority":"Error","a":${nested(5_000)}}` }),
      'nested deeper than 64',
    ],
    ['1e400, wrapped by a shipper', JSON.stringify({ MESSAGE: '{"rule":"x","priority":"Error","a":1e400}' }), 'a number too large'],
    [
      'deep behind a key that is there twice',
      `{"rule":"x","priority":"Error","a":${nested(20_000)},"a":1}`,
      'nested deeper than 64 levels',
    ],
    ['the same, of objects', `{"rule":"x","priority":"Error","a":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)},"a":1}`, 'nested deeper'],
    ['deep, with a number of many digits', `{"rule":"x","priority":"Error","n":12345678901234567890,"a":${nested(20_000)}}`, ''],
  ])('guarantee 28: %s is a dead letter, and the alerts beside it are read', async (_what, text, reason) => {
    const { counts, alerts, dead } = await read(`${whole}\n${text}\n${whole}\n`)
    expect(counts).toMatchObject({ read: 3, records: 2, deadLetters: 1 })
    expect(alerts).toHaveLength(2)
    expect(dead[0]?.reason).toContain(reason)
    expect(Buffer.from(dead[0]?.bytes ?? []).toString()).toBe(text)
  })

  it('keeps what is 64 levels deep, also in Base64', async () => {
    const deep = `{"rule":"x","priority":"Error","a":${nested(63)}}`
    expect((await read(`${deep}\n${inBase64(deep)}`)).counts).toMatchObject({ records: 2, deadLetters: 0 })
  })

  it('guarantee 28: past the first thousand, dead letters of one body are one, which says how many pieces and bytes it is', async () => {
    const { counts, alerts, dead } = await read(`${'{}'.repeat(34_000)}\n${whole}\n`)
    expect(counts).toMatchObject({ read: 1_002, records: 1, deadLetters: 1_001 })
    expect(alerts).toHaveLength(1)
    expect(dead).toHaveLength(1_001)
    expect(dead[1_000]?.reason).toMatch(
      /^33000 pieces of 66000 bytes from here on cannot be read, the first of them: not a Falco alert.*; 464 bytes of it are not kept$/,
    )
    expect(Buffer.from(dead[1_000]?.bytes ?? []).equals(Buffer.alloc(65_536, '{}'))).toBe(true)
  })

  it('a piece too large for that stands alone, with how many bytes of it are not kept', async () => {
    const large = 'x'.repeat(70_000)
    const { dead } = await read(`{}{}{}\n${large}\n{}`, { strict: true, maxDeadLetters: 1 })
    expect(dead.map(({ bytes }) => bytes.length)).toEqual([2, 70_001, 6])
    expect(dead[2]?.reason).toMatch(/^3 pieces of 6 bytes/)
  })

  it('gzip whose sender goes away ends with that error: it neither waits for ever nor goes unheard', async () => {
    const packed = gzipSync(Array.from({ length: 5_000 }, (_, n) => stringifyExact(alert({ n }))).join('\n'))
    const gone = new Error('gone')
    const cut = async function* (): AsyncIterable<Uint8Array> {
      yield packed.subarray(0, 1_000)
      throw gone
    }
    await expect(readInput(cut(), { path: 'x', format: 'falco', source, onBatch: async () => {} })).rejects.toBe(gone)
  })
})
