/** Bodies that no Falco sends: empty, endless, packed to burst, or of values at the edge of what JSON can say; and the answer each is due. */
import { gzipSync } from 'node:zlib'
import { falcoAlert } from './fuzz-shapes.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { full } from './sizes.ts'

export type OddBody = {
  name: string
  body: () => Buffer
  headers?: Record<string, string>
  status?: number
  /** Counts of the answer; what is not named is 0. */ counts?: Partial<Record<'accepted' | 'internal' | 'deadLetters', number>>
  /** What the first dead letter, or the refusal, says. */ says?: RegExp
}

const megabytes = 1024 * 1024
/** Of what only has to be endless, and to burst: beyond the 32 MiB that are taken. */
const [endless, burst] = full ? [10, 200] : [3, 48]
let number = 0
const alert = (over: Record<string, unknown> = {}, fields: Record<string, unknown> = {}): string =>
  stringifyExact(falcoAlert({ odd: (number += 1), ...over }, fields))
const odd = (name: string, body: string | (() => Buffer), more: Omit<OddBody, 'name' | 'body'> = {}): OddBody => ({
  name,
  body: typeof body === 'string' ? () => Buffer.from(body) : body,
  ...more,
})
const dead = (name: string, body: string | (() => Buffer), says: RegExp, deadLetters = 1): OddBody =>
  odd(name, body, { counts: { deadLetters }, says })
const good = (name: string, body: string): OddBody => odd(name, body, { counts: { accepted: 1 } })
const at = (time: string): string => alert({ time }, { 'evt.time': null })
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const inBase64 = (inner: string): string =>
  JSON.stringify({
    specversion: '1.0',
    type: 'falco.rule.output.v1',
    data_base64: Buffer.from(inner.replace('{', '{"rule":"x","priority":"Error",')).toString('base64'),
  })
const noDocument = /line 1: not a Falco alerts document/

export const oddBodies: readonly OddBody[] = [
  odd('empty', ''),
  odd('white space', ' \r\n\t\n '),
  odd('an empty list', '[]'),
  dead('an empty object', '{}', /line 1: not a Falco alert: it has no "rule"/),
  dead('null', 'null', noDocument),
  dead('a number', '17', noDocument),
  dead('a string', '"rule"', noDocument),
  dead('a list that does not end', '[', /line 1: the list that begins here does not end/),
  dead('a list of other things', '[1,2]', noDocument),
  odd('a list with other things between', `[${alert()},null,${alert()}]`, { counts: { accepted: 2, deadLetters: 1 }, says: noDocument }),
  dead('megabytes of [', () => Buffer.alloc(endless * megabytes, '['), noDocument, endless),
  dead(
    'megabytes of {"a":',
    () => Buffer.alloc(endless * megabytes, '{"a":'),
    /line 1: the document does not end; \d+ bytes of it are not kept/,
  ),
  dead(
    'a document of 20 MB',
    () => Buffer.from(`{"rule":"${'x'.repeat(20 * megabytes)}"}`),
    /larger than 16777216 bytes; \d+ bytes of it are not kept/,
  ),
  dead('nested 100 deep', `{"rule":"x","priority":"Error","a":${'['.repeat(100)}${']'.repeat(100)}}`, /nested deeper than 64 levels/),
  dead('nested 5,000 deep in Base64', inBase64(`{"a":${nested(5_000)}}`), /"data_base64": nested deeper than 64 levels/),
  dead('1e400 in Base64', inBase64('{"output_fields":{"a":1e400}}'), /"data_base64": it holds a number too large to be kept/),
  odd(
    'nested 20,000 deep behind a key that is there twice, and an alert',
    `{"rule":"x","priority":"Error","a":${nested(20_000)},"a":1}\n${alert()}`,
    { counts: { accepted: 1, deadLetters: 1 }, says: /line 1: nested deeper than 64 levels/ },
  ),
  dead('2,000 times {}', () => Buffer.alloc(4_000, '{}'), /line 1: not a Falco alert/, 1_001),
  dead('a rule’s name of 1 MB', () => Buffer.from(alert({ rule: 'r'.repeat(megabytes) })), /"rule" is longer than 500 characters/),
  dead('NUL bytes', '{"rule":"a\0b","priority":"Error"}', /line 1: not JSON/),
  good('NUL, escaped', alert({ hostname: 'a\0b' }, { 'a\0': '\0' })),
  good('half a surrogate pair', alert({ output: 'x\ud800y' }, { '\udc00': 'z\udfff' })),
  odd('half a surrogate pair in UTF-16', () => Buffer.from(`\ufeff${alert({ output: 'x#y' }).replace('x#y', 'x\ud800y')}`, 'utf16le'), {
    counts: { accepted: 1 },
  }),
  odd('bytes that are no UTF-8', () => Buffer.from(alert({ output: 'x#y' }).replace('x#y', 'x\xffy'), 'latin1'), {
    counts: { accepted: 1 },
  }),
  odd('a gzip bomb, announced', () => gzipSync(Buffer.alloc(burst * megabytes)), {
    headers: { 'content-encoding': 'gzip' },
    status: 400,
    says: /larger than 33554432 bytes once unpacked; send it in parts/,
  }),
  odd('a gzip bomb, not announced', () => gzipSync(Buffer.alloc(burst * megabytes, ' ')), {
    status: 400,
    says: /larger than 33554432 bytes once unpacked/,
  }),
  odd('gzip, cut off', () => gzipSync(alert()).subarray(0, 60), {
    status: 400,
    says: /the gzip data is broken or cut off .*; pack it again/,
  }),
  odd('gzip, damaged', () => Buffer.from(gzipSync(alert())).fill(0x55, 20, 60), { status: 400, says: /the gzip data is broken/ }),
  odd('gzip with more behind it', () => Buffer.concat([gzipSync(alert()), Buffer.from('more')]), {
    status: 400,
    says: /the gzip data is broken/,
  }),
  odd('no gzip, though announced', () => Buffer.from(alert()), { headers: { 'content-encoding': 'gzip' }, counts: { accepted: 1 } }),
  odd('a packing that is not read', () => Buffer.from(alert()), {
    headers: { 'content-encoding': 'br' },
    status: 400,
    says: /“br”, which is not read here/,
  }),
  good('1970', at('1970-01-01T00:00:00Z')),
  good('1969', at('1969-12-31T23:59:59.5Z')),
  good('2199', at('2199-12-31T23:59:59.999999999Z')),
  good('the year 1, which is how Go says none', at('0001-01-01T00:00:00Z')),
  dead(
    'the year 9999',
    at('9999-12-31T23:59:59Z'),
    /"time" cannot be read: "9999-12-31T23:59:59Z"; expected RFC 3339 between 1678 and 2262/,
  ),
  dead('no time, but words', at('yesterday'), /"time" cannot be read: "yesterday"/),
  good('keys twice', alert().replace('{', '{"rule":"first","priority":"Debug",')),
  good('__proto__', alert().replace('{', '{"__proto__":{"rule":"x"},"constructor":1,')),
  dead('__proto__ alone', '{"__proto__":{"rule":"x","priority":"Error"}}', /it has no "rule"/),
  dead('1e400', alert().replace('4140', '1e400'), /a number too large to be kept/),
  good('-0 and 1.0', alert().replace('4140', '-0').replace('-1', '1.0')),
  dead('a priority that is none', alert({ priority: 7 }), /"priority" is 7; expected one of Falco’s eight/),
  dead('fields that are a list', alert({ output_fields: [] }), /"output_fields" is not an object/),
  good('a whole alert behind a broken one', `${alert()}\n`),
  odd('a whole alert behind one cut off', `${alert().slice(0, 90)}\n${alert()}`, {
    counts: { accepted: 1, deadLetters: 1 },
    says: /does not end/,
  }),
]
