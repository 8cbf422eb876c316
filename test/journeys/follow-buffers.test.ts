/** What a disk buffer in front (deploy/buffer) would post is taken, every alert once; and the configurations say what the documentation promises. */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Config } from '../../config/config.ts'
import { loadScenario, toJsonLines } from '../../evals/scenario.ts'
import { openSite, type Site } from '../support/site.ts'

const read = <T>(name: string): T => parse(readFileSync(new URL(`../../deploy/buffer/${name}.yaml`, import.meta.url), 'utf8')) as T
const lines = toJsonLines(loadScenario('shop-checkout-intrusion', new Date('2026-11-23T10:00:00Z')).alerts)
const documents = lines.trim().split('\n')
const ndjson = { 'content-type': 'application/x-ndjson' }
const gzip = { 'content-encoding': 'gzip' }

describe('a disk buffer in front', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(async () => site.close())
  const post = async (body: string | Uint8Array, headers: Record<string, string>): Promise<unknown> => {
    const answer = await site.ask('/ingest/falco', {
      method: 'POST',
      headers: { authorization: `Bearer ${site.secret}`, ...headers },
      body: body as NonNullable<RequestInit['body']>,
    })
    return [answer.status, await answer.json()]
  }
  const taken = (accepted: number, duplicates = 0): unknown => [200, { accepted, duplicates, internal: 0, deadLetters: 0 }]
  const all = documents.length

  it('Vector’s posts are taken: lines as they came, packed or not, an empty line between', async () => {
    expect(await post(gzipSync(lines), { ...ndjson, ...gzip })).toEqual(taken(all))
    expect(await post(lines, { 'content-type': 'text/plain' })).toEqual(taken(0, all))
    // Falco ends its body with a newline, and Vector adds its own.
    expect(await post(documents.join('\n\n'), ndjson)).toEqual(taken(0, all))
  })

  it('Fluent Bit’s posts are taken: lines, and its array; its own field `date` makes another document of an alert, so it is off', async () => {
    const again = documents.map((line) => JSON.stringify(JSON.parse(line, keepDigits), writeDigits))
    expect(await post(gzipSync(again.join('\n')), { ...ndjson, ...gzip })).toEqual(taken(0, all))
    expect(await post(`[${again.join(',')}]`, { 'content-type': 'application/json' })).toEqual(taken(0, all))
    const dated = again.map((line) => `{"date":1790000000.123,${line.slice(1)}`)
    expect(await post(`[${dated.join(',')}]`, { 'content-type': 'application/json' })).toEqual(taken(all))
    expect(read<Fluent>('fluent-bit').pipeline.outputs[0]).toMatchObject({ format: 'json_lines', json_date_key: false })
  })

  it('a line that was no alert is kept with its reason, and stops nothing', async () => {
    expect(await post(`${documents[0]}\n{"log":"Falco initialized"}\n${documents[1]}\n`, ndjson)).toMatchObject([
      200,
      { accepted: 0, duplicates: 2, internal: 0, deadLetters: 1 },
    ])
  })

  it('an empty post with the right secret answers 200, with a wrong one 401: the try that the documentation names', async () => {
    expect(await post('', {})).toEqual(taken(0))
    expect(await post('', { authorization: 'Bearer fls_wrong' })).toMatchObject([401, {}])
  })

  type Vector = {
    sinks: { falconer: { batch: { max_bytes: number }; inputs: string[] } & Record<string, unknown> }
    sources: Record<string, { type: string }>
  }
  type Fluent = {
    service: Record<string, unknown>
    parsers: Record<string, unknown>[]
    pipeline: { inputs: Record<string, unknown>[]; outputs: Record<string, unknown>[] }
  }
  it('both keep what they took on disk, try for ever, and send less at once than Falconer takes', () => {
    const vector = read<Vector>('vector')
    const sink = vector.sinks.falconer
    expect(sink).toMatchObject({
      encoding: { codec: 'text' },
      framing: { method: 'newline_delimited' },
      auth: { strategy: 'bearer' },
      acknowledgements: { enabled: true },
      buffer: { type: 'disk', when_full: 'block' },
    })
    expect(JSON.stringify(sink)).not.toContain('retry_attempts')
    expect(sink.batch.max_bytes).toBeLessThan(Config.parse({}).FALCONER_INGEST_MAX_BYTES / 10)
    expect(sink.inputs.map((name) => vector.sources[name]?.type)).toEqual(['http_server', 'file'])
    const { service, parsers, pipeline } = read<Fluent>('fluent-bit')
    expect(service['storage.path']).toBeDefined()
    expect(parsers).toEqual([{ name: 'falco', format: 'json' }])
    expect(pipeline.inputs.map((input) => [input.name, input['storage.type']])).toEqual([
      ['http', 'filesystem'],
      ['tail', 'filesystem'],
    ])
    expect(pipeline.outputs).toMatchObject([{ name: 'http', retry_limit: 'no_limits', uri: '/ingest/falco' }])
    expect(pipeline.outputs[0]?.['storage.total_limit_size']).toBeUndefined()
  })
})

/** As a program with 64-bit integers reads and writes. */
const keepDigits = ((_key: string, value: unknown, context: { source?: string }) =>
  typeof value === 'number' && context.source !== undefined ? { digits: context.source } : value) as (
  key: string,
  value: unknown,
) => unknown
const writeDigits = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && 'digits' in value
    ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value.digits))
    : value
