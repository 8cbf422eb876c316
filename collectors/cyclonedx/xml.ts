/**
 * CycloneDX in XML, written again as the JSON of the same version: one shape is read from then on. It is read whole and may have so many
 * bytes; entities beyond XML’s own five and characters by number are not expanded, and a document type is refused. Vulnerabilities of the
 * extension of 1.0 to 1.3, which stand in components, become those of 1.4.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { InputError } from '../../domain/errors.ts'

const maxXmlBytes = 32 * 1024 * 1024

type Node = Record<string, unknown>
type Json = Record<string, unknown>

/** Throws InputError, in words for a dead letter, when it is no such XML. */
export function bomFromXml(xml: string): Json {
  if (/<!DOCTYPE/i.test(xml)) throw new InputError('it has a document type (<!DOCTYPE>), which no CycloneDX has: it is not read')
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw new InputError(`not XML: line ${valid.err.line}: ${valid.err.msg.slice(0, 200)}`)
  let bom: unknown
  try {
    bom = (parser.parse(xml) as Node).bom
  } catch (error) {
    throw new InputError(`not XML: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}`, { cause: error })
  }
  const version = /\bxmlns(?::\w+)?\s*=\s*["']http:\/\/cyclonedx\.org\/schema\/bom\/(1\.\d+)["']/.exec(xml)?.[1]
  if (!isNode(bom) || version === undefined)
    throw new InputError('not CycloneDX: its root is no <bom> of http://cyclonedx.org/schema/bom/1.x')
  return fromBom(bom, version)
}

/** All of the input as text. Throws InputError when it is too large. */
export async function wholeXml(input: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of input) {
    size += part.length
    if (size > maxXmlBytes)
      throw new InputError(`the XML is larger than ${maxXmlBytes} bytes; write the SBOM as CycloneDX JSON, which may be of any size`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  tagValueProcessor: (_name, value) => plain(value),
  attributeValueProcessor: (_name, value) => plain(value),
})

const five: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const plain = (value: string): string =>
  value.replaceAll(/&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi, (whole, name: string | undefined, decimal, hex) => {
    if (name !== undefined) return five[name.toLowerCase()] ?? whole
    const code = Number.parseInt((decimal ?? hex) as string, decimal === undefined ? 16 : 10)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })

const isNode = (value: unknown): value is Node => value !== null && typeof value === 'object' && !Array.isArray(value)
const all = (value: unknown): unknown[] => (value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value])
/** `<outer><inner/><inner/></outer>`, of every `outer` there is. */
const list = (node: Node, outer: string, inner: string): Node[] =>
  all(node[outer])
    .filter(isNode)
    .flatMap((one) => all(one[inner]))
    .map((one) => (isNode(one) ? one : { '#text': one }))
const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : isNode(value) && typeof value['#text'] === 'string' ? value['#text'] : undefined
const child = (node: Node, name: string): Node => (isNode(node[name]) ? node[name] : {})

function fromBom(bom: Node, specVersion: string): Json {
  const metadata = child(bom, 'metadata')
  const components = list(bom, 'components', 'component')
  const tools = [
    ...list(metadata, 'tools', 'tool'),
    ...all(metadata.tools)
      .filter(isNode)
      .flatMap((one) => list(one, 'components', 'component')),
  ]
  // First of all: it names components for their vulnerabilities to point at.
  const extensions = components.flatMap((one, index) => extended(one, `component ${index}`))
  return {
    bomFormat: 'CycloneDX',
    specVersion,
    serialNumber: text(bom['@serialNumber']),
    metadata: {
      timestamp: text(metadata.timestamp),
      tools: tools.map((tool) => ({ name: text(tool.name), version: text(tool.version) })),
      component: isNode(metadata.component) ? component(metadata.component) : undefined,
    },
    components: components.map(component),
    vulnerabilities: [...list(bom, 'vulnerabilities', 'vulnerability').map((one) => vulnerability(one, text(one['@ref']))), ...extensions],
  }
}

function extended(node: Node, place: string): Json[] {
  const own = list(node, 'vulnerabilities', 'vulnerability')
  if (own.length > 0) node['@bom-ref'] ??= place
  return [
    ...own.map((one) => vulnerability(one, text(node['@bom-ref']))),
    ...list(node, 'components', 'component').flatMap((one, index) => extended(one, `${place}.${index}`)),
  ]
}

const component = (node: Node): Json => ({
  type: text(node['@type']),
  'bom-ref': text(node['@bom-ref']),
  group: text(node.group),
  name: text(node.name),
  version: text(node.version),
  purl: text(node.purl),
  properties: list(node, 'properties', 'property').map((one) => ({ name: text(one['@name']), value: text(one) })),
  components: list(node, 'components', 'component').map(component),
})

/** `of`: the component it is said of, where the document says it by place. */
function vulnerability(node: Node, of: string | undefined): Json {
  const analysis = child(node, 'analysis')
  const source = child(node, 'source')
  return {
    id: text(node.id),
    source: { name: text(source.name) ?? text(source['@name']), url: text(source.url) },
    references: list(node, 'references', 'reference').map((one) => ({ id: text(one.id), source: { url: text(child(one, 'source').url) } })),
    ratings: list(node, 'ratings', 'rating').map(rating),
    cwes: list(node, 'cwes', 'cwe').map((one) => Number(text(one))),
    description: text(node.description),
    recommendation: text(node.recommendation) ?? list(node, 'recommendations', 'recommendation').map(text).join('\n'),
    advisories: list(node, 'advisories', 'advisory').map((one) => ({ title: text(one.title), url: text(one.url) ?? text(one) })),
    published: text(node.published),
    updated: text(node.updated),
    analysis: isNode(node.analysis)
      ? {
          state: text(analysis.state),
          justification: text(analysis.justification),
          response: list(analysis, 'responses', 'response').map(text),
          detail: text(analysis.detail),
        }
      : undefined,
    affects: of === undefined ? list(node, 'affects', 'target').map(target) : [{ ref: of }],
  }
}

function rating(node: Node): Json {
  const score = Number.parseFloat(text(node.score) ?? text(child(node, 'score').base) ?? '')
  return {
    source: { name: text(child(node, 'source').name) },
    score: Number.isNaN(score) ? undefined : score,
    severity: text(node.severity),
    method: text(node.method),
    vector: text(node.vector),
  }
}

const target = (node: Node): Json => ({
  ref: text(node.ref),
  versions: list(node, 'versions', 'version').map((one) => ({
    version: text(one.version),
    range: text(one.range),
    status: text(one.status),
  })),
})
