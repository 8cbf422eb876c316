/**
 * Alerts that are nearly the same: a document as its written tokens, changed in exactly one place, and written in forms that mean
 * the same (key order, white space, escapes). Nothing here parses numbers, so no digit is lost on the way to the wire.
 */
type Member = readonly [key: string, value: Node]
/** A token as it is written, a list, or an object's members. */
export type Node = string | readonly Node[] | { readonly members: readonly Member[] }
type Random = () => number

const text = (value: string): string => JSON.stringify(value)

export function baseDocument(pair: number, random: Random): Node {
  const ns = 1_789_378_800_000_000_000n + BigInt(pair) * 1_000n
  return object({
    hostname: text('worker-1'),
    priority: text('Warning'),
    rule: text('Read sensitive file untrusted'),
    source: text('syscall'),
    time: text(`2026-09-14T09:40:04.${String(Number(ns % 1_000_000_000n)).padStart(9, '0')}Z`),
    tags: [text('container'), text('T1555'), text('mitre_credential_access')],
    output: text(`é read by pair ${pair}`),
    output_fields: object({
      pair: String(pair),
      'evt.time': String(ns),
      'proc.pid': String(1 + Math.floor(random() * 9)),
      'proc.cmdline': text(`cat /etc/shädow ${Math.floor(random() * 100)}`),
      'proc.load': '0.1',
      'proc.list': [],
      'user.uid': '0',
      'user.name': text('root'),
      'k8s.ns.name': 'null',
    }),
  })
}

const object = (members: Record<string, Node>): Node => ({
  members: Object.entries(members).map(([key, value]) => [text(key), value] as const),
})
const membersOf = (node: Node | undefined): readonly Member[] => (node as { members: readonly Member[] }).members
const inFields = (document: Node, change: (members: readonly Member[]) => readonly Member[]): Node =>
  replaced(document, 'output_fields', (fields) => ({ members: change(membersOf(fields)) }))
function replaced(node: Node, key: string, change: (value: Node) => Node): Node {
  return { members: membersOf(node).map(([name, value]) => [name, name === text(key) ? change(value) : value] as const) }
}
const field =
  (key: string, change: (value: Node) => Node) =>
  (document: Node): Node =>
    replaced(document, 'output_fields', (fields) => replaced(fields, key, change))
const top =
  (key: string, change: (value: Node) => Node) =>
  (document: Node): Node =>
    replaced(document, key, change)
const added =
  (key: string, value: Node) =>
  (document: Node): Node =>
    inFields(document, (members) => [...members, [text(key), value]])
const renamed =
  (from: string, to: string) =>
  (document: Node): Node =>
    inFields(document, (members) => members.map(([key, value]) => [key === text(from) ? text(to) : key, value] as const))
const edited =
  (change: (value: string) => string) =>
  (value: Node): Node =>
    text(change(JSON.parse(value as string) as string))
const lastDigit = (token: Node): Node => (token as string).replace(/\d(?="?Z?"?$)/, (digit) => String((Number(digit) + 1) % 10))
/** Each changes one thing that a careless key would lose. */
export const differences: Readonly<Record<string, (document: Node) => Node>> = {
  'a digit beyond 2^53': field('evt.time', lastDigit),
  'a long number as a string': field('evt.time', (token) => `"${token as string}"`),
  'a number as a string': field('proc.pid', (token) => `"${token as string}"`),
  'an integer as a fraction': field('proc.pid', (token) => `${token as string}.0`),
  'an integer with an exponent': field('proc.pid', (token) => `${token as string}e0`),
  'a number as true': field('proc.pid', () => 'true'),
  'a digit beyond a double': field('proc.load', () => '0.10000000000000000001'),
  'minus zero': field('user.uid', () => '-0'),
  'a key’s case': renamed('proc.pid', 'proc.Pid'),
  'a key of the prototype': added('__proto__', 'null'),
  'a key twice': (document) => inFields(document, (members) => [[text('user.name'), text('nobody')], ...members]),
  'the Unicode form': field(
    'proc.cmdline',
    edited((value) => value.normalize('NFD')),
  ),
  'a look-alike letter': field(
    'proc.cmdline',
    edited((value) => value.replace('c', 'с')),
  ),
  'an invisible character': field(
    'proc.cmdline',
    edited((value) => `${value}\u200b`),
  ),
  'a trailing space': field(
    'proc.cmdline',
    edited((value) => `${value} `),
  ),
  'a written-out escape': field(
    'proc.cmdline',
    edited((value) => value.replace('ä', '\\u00e4')),
  ),
  'a NUL': field(
    'proc.cmdline',
    edited((value) => `${value}\0`),
  ),
  'absent for null': (document) => inFields(document, (members) => members.filter(([key]) => key !== text('k8s.ns.name'))),
  'empty for null': field('k8s.ns.name', () => '""'),
  'an object for a list': field('proc.list', () => ({ members: [] })),
  'a list of one': field('user.name', (token) => [token]),
  'a list’s order': top('tags', (tags) => (tags as readonly Node[]).toReversed()),
  'the last digit of the time': top('time', lastDigit),
  'the time’s zone': top('time', (token) => (token as string).replace('Z', '+00:00')),
  'the host’s name': top('hostname', () => text('worker-2')),
  'the prose': top(
    'output',
    edited((value) => value.toUpperCase()),
  ),
  'a priority’s case': top('priority', () => text('WARNING')),
  'a field at the top': (document) => ({ members: [...membersOf(document), [text('extra'), '1']] }),
}

/** One of the ways to write the same: keys in any order (of one that is there twice the order stays), white space, escapes. */
export function written(node: Node, random: Random | null): string {
  const space = (): string => (random === null || random() < 0.7 ? '' : (['\t', ' ', '  ', ' \t'][Math.floor(random() * 4)] ?? ''))
  if (typeof node === 'string') return random !== null && node.startsWith('"') && random() < 0.2 ? escapedOnce(node) : node
  if ('members' in node) {
    const repeats = new Set(node.members.map(([key]) => key)).size < node.members.length
    const order = random === null || repeats ? node.members : node.members.toSorted(() => random() - 0.5)
    return `{${space()}${order.map(([key, value]) => `${key}${space()}:${space()}${written(value, random)}`).join(`${space()},${space()}`)}${space()}}`
  }
  return `[${space()}${node.map((value) => written(value, random)).join(`,${space()}`)}]`
}

/** A letter of the string written as an escape: the same string. */
const escapedOnce = (token: string): string =>
  token.replace(/[a-zä]/, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
