/** Tools are what their files say, and what a client is told of them is true: names, descriptions, examples, annotations, and which texts are fenced. */
import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { operatorPrincipal } from '../../domain/principal.ts'
import { type Contract, contracts, render, snapshotFolder } from '../../scripts/generate/tools.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { Quoted } from '../../tools/quoted.ts'
import { chosenTools } from '../../tools/server.ts'
import { tool, toolsets } from '../../tools/tool.ts'
import { closureOf, sourcesOf } from '../support/hostile-imports.ts'
import { openFields, openPaths } from '../support/open-texts.ts'
import { exampleOf } from '../support/tool-arguments.ts'
import { textsOf } from '../support/tool-texts.ts'

const verbs = /^(?:list|get|count|find|search|explain|query|propose|add|set|compare)$/
/** Names that are no verb and noun, and are what people say. */
const asPeopleSay = ['search', 'what_to_fix_first']
const forbidden = /approve|execute|revert|confirm|undo|apply|run_|delete|decide|sign/

const listed = chosenTools(operatorPrincipal, {})
const named = tools.map((one) => [one.name, one] as const)

describe('the catalogue', () => {
  it('has a file a tool, named as the tool is', () => {
    const files = readdirSync('tools/catalog').filter((file) => /^[a-z0-9-]+\.ts$/.test(file))
    expect(files.map((file) => file.replace(/\.ts$/, '').replaceAll('-', '_')).sort()).toEqual(tools.map(({ name }) => name).sort())
    expect(files.length).toBeGreaterThan(0)
  })

  it('lists at most 20 by default, of which a model is told in at most 6,000 tokens, without the schemas of answers', async () => {
    expect(listed.length).toBeLessThanOrEqual(20)
    const told = await contracts(listed)
    const tokens = (value: unknown): number => Math.round(JSON.stringify(value).length / 4)
    const toModel = tokens(told.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })))
    console.log(`tools/list: ${toModel} tokens of names, descriptions and inputs; ${tokens(told)} with schemas of answers`)
    expect(toModel).toBeLessThan(6_000)
    expect(tokens(told)).toBeLessThan(20_000)
  })

  it('has no toolset without tools', () => {
    expect(toolsets.filter((toolset) => !tools.some((one) => one.toolset === toolset))).toEqual([])
  })

  it.each(named)('%s is named by a verb and a noun, and nothing that decides', (name) => {
    expect(name).not.toMatch(forbidden)
    const [verb = '', ...noun] = name.split('_')
    if (asPeopleSay.includes(name)) return
    expect(verb).toMatch(verbs)
    expect(noun.length).toBeGreaterThan(0)
    expect(name).toMatch(/^[a-z]+(?:_[a-z]+)+$/)
  })

  it.each(named)('%s says when, when not, and shows a call that is one', (_name, one) => {
    expect(one.title).toMatch(/^[A-Z].{3,60}[^.]$/)
    expect(one.description.length).toBeLessThan(1_000)
    expect(one.description).toMatch(/\b(?:[Ww]hen|[Bb]egin|[Uu]se|[Aa]fter|[Bb]efore|[Ff]irst|[Ff]or|[Tt]o)\b/)
    // When not: said so, or another tool is named that is for that.
    const others = tools.filter(({ name: other }) => other !== one.name && new RegExp(`\\b${other}\\b`).test(one.description))
    expect(
      others.length > 0 || /\b[Nn]ot (?:for|to|when|if|the|a|what)\b|\b[Nn]ever\b|changes nothing/.test(one.description),
      `${one.name} says when not`,
    ).toBe(true)
    const example = exampleOf(one)
    expect(one.input.strict().safeParse(example).error?.message).toBeUndefined()
    expect(Object.keys(one.input.shape).length === 0 || Object.keys(example).length > 0).toBe(true)
    // A tool that is named in a description exists.
    const mentioned = [...one.description.matchAll(/\b(?:list|get|count|find|explain|query|propose|add|set)_[a-z_]+\b/g)].map(
      ([word]) => word,
    )
    expect(mentioned.filter((word) => !tools.some(({ name }) => name === word))).toEqual([])
  })
})

describe('what a client is told', () => {
  let told: Map<string, Contract>
  beforeAll(async () => {
    told = new Map((await contracts()).map((one) => [one.name, one]))
  })

  it.each(named)('of %s is true to its access', (name, { access, title, permission }) => {
    expect(told.get(name)).toMatchObject({
      title,
      annotations: { title, readOnlyHint: access === 'read', destructiveHint: false, idempotentHint: true, openWorldHint: false },
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object' },
    })
    expect(permission).toMatch(access === 'read' ? /\.read$/ : /^(?:proposals\.create|incidents\.decide)$/)
  })

  it('is what the snapshots hold; where it is not, run npm run generate and look at the difference', async () => {
    const wanted = Object.entries(await render()).filter(([path]) => path.startsWith(snapshotFolder))
    expect(
      readdirSync(snapshotFolder)
        .map((file) => `${snapshotFolder}/${file}`)
        .sort(),
    ).toEqual(wanted.map(([path]) => path).sort())
    for (const [path, text] of wanted) expect(readFileSync(path, 'utf8'), `${path}: run npm run generate`).toBe(text)
  })
})

const leafOf = (path: string): string =>
  path
    .replace(/\[\]|\{\}/g, '')
    .split('.')
    .at(-1) ?? ''
const allowed = (name: string, path: string): boolean => `${name}:${path}` in openPaths || leafOf(path) in openFields

describe('texts of an output', () => {
  it.each(named)('of %s are fenced, one of few, or allowed with a reason', (name, { output }) => {
    const free = textsOf(output).filter(({ kind, path }) => kind === 'free' && !allowed(name, path))
    expect(free.map(({ path }) => path)).toEqual([])
  })

  it('are allowed only where there are any', () => {
    const free = tools.flatMap(({ name, output }) => textsOf(output).flatMap(({ kind, path }) => (kind === 'free' ? [{ name, path }] : [])))
    expect(Object.keys(openPaths).filter((key) => !free.some(({ name, path }) => `${name}:${path}` === key))).toEqual([])
    expect(Object.keys(openFields).filter((key) => !free.some(({ path }) => leafOf(path) === key))).toEqual([])
  })

  it('are found wherever a schema has them', () => {
    const schema = z.object({
      plain: z.string(),
      short: z.string().max(10).optional(),
      fenced: Quoted.describe('What it said').nullable(),
      id: z.uuid(),
      list: z.array(z.union([z.object({ deep: z.string() }), z.number()])),
      counts: z.record(z.string(), z.number()),
      anything: z.unknown(),
      state: z.enum(['open', 'closed']),
      loose: z.looseObject({}),
    })
    const kinds = Object.fromEntries(textsOf(schema).map(({ path, kind }) => [path, kind]))
    expect(kinds).toEqual({
      plain: 'free',
      short: 'free',
      fenced: 'fenced',
      id: 'closed',
      'list[].deep': 'free',
      'counts{key}': 'free',
      anything: 'free',
      state: 'closed',
      'loose.*': 'free',
    })
  })
})

describe('generations of the protocol', () => {
  const folders = ['domain', 'tools', 'agent', 'apps', 'scripts', 'bench', 'test', 'evals', 'auth', 'responses', 'prompts', 'knowledge']
  const mixed = (files: readonly string[], read = (file: string): string => readFileSync(file, 'utf8')): string[] =>
    files.filter((file) => /['"]@modelcontextprotocol\/sdk\//.test(read(file)) && /['"]@modelcontextprotocol\/server/.test(read(file)))

  it('are never mixed in one module, and the product knows only the newer', () => {
    const files = folders.flatMap((folder) => sourcesOf(folder))
    // LangChain's adapter takes a client of 2025, and an analyst's hands are both ends of one pipe.
    expect(mixed(files.filter((file) => !file.startsWith('test/architecture/')))).toEqual(['agent/hands.ts'])
    const planted = `import { Client } from '@modelcontextprotocol/sdk/client/index.js'\nimport { McpServer } from '@modelcontextprotocol/server'`
    expect(mixed(['tools/planted.ts'], () => planted)).toEqual(['tools/planted.ts'])
  })

  it('leave a tool no way to the other side of the wire', () => {
    const { outside } = closureOf(sourcesOf('tools/catalog'))
    expect(
      [...outside].filter((name) => /^@modelcontextprotocol\/(?:sdk|client)|^(?:node:)?(?:child_process|https?|tls)$/.test(name)),
    ).toEqual([])
  })
})

it('a tool keeps the types of what it takes and answers', () => {
  const one = tool({
    name: 'get_nothing',
    toolset: 'incidents',
    title: 'Get nothing',
    description: 'Example: {"a":{"b":1}} and so on',
    input: z.object({ a: z.object({ b: z.number() }) }),
    output: z.object({}),
    access: 'read',
    permission: 'incidents.read',
    listed: false,
    run: async () => ({}),
  })
  expect(exampleOf(one)).toEqual({ a: { b: 1 } })
})
