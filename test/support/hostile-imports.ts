/**
 * Which modules code can reach: the closure of its imports, read from the source (types too, so it is larger than what runs).
 * A module name that is not a literal cannot be followed: it is reported, and whoever asks must refuse it.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from '@swc/core'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export type Closure = {
  /** Files of ours, relative to the checkout. */ files: Set<string>
  /** Packages and built-in modules, as written. */ outside: Set<string>
  /** Imports by a computed name, as `file`. */ computed: Set<string>
  /** What is taken by name from a file of ours; `*` when it is taken whole. */ names: Map<string, Set<string>>
  /** How each file came in: itself, and who imports it. */ chain(file: string): string
}

export const sourcesOf = (...folders: string[]): string[] =>
  folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root })).filter((file) => !file.endsWith('.test.ts'))

/** `overlay` stands in for files that do not exist: how a test plants a violation. */
export function closureOf(from: readonly string[], overlay: Readonly<Record<string, string>> = {}): Closure {
  const files = new Set<string>()
  const outside = new Set<string>()
  const computed = new Set<string>()
  const names = new Map<string, Set<string>>()
  const cameFrom = new Map<string, string>()
  const waiting = [...from]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue
    files.add(file)
    if (!file.endsWith('.ts')) continue
    const source = overlay[file] ?? readFileSync(join(root, file), 'utf8')
    for (const { specifier, taken } of importsOf(source)) {
      if (specifier === null) computed.add(file)
      else if (!specifier.startsWith('.')) outside.add(specifier)
      else {
        const target = normalize(join(dirname(file), specifier))
        if (overlay[target] === undefined && !existsSync(join(root, target)))
          throw new Error(`${file} imports ${specifier}, which is not there`)
        names.set(target, new Set([...(names.get(target) ?? []), ...taken]))
        if (!cameFrom.has(target)) cameFrom.set(target, file)
        waiting.push(target)
      }
    }
  }
  const chain = (file: string): string => {
    const steps = [file]
    for (let at = cameFrom.get(file); at !== undefined && !steps.includes(at); at = cameFrom.get(at)) steps.push(at)
    return steps.join(' ← ')
  }
  return { files, outside, computed, names, chain }
}

type Named = { imported?: { value: string } | null; orig?: { value: string }; local?: { value: string }; type: string }
type Node = {
  type: string
  source?: { value: string } | null
  specifiers?: Named[]
  callee?: { type: string; value?: string; property?: { value?: string } }
  arguments?: { expression: Node & { value?: unknown } }[]
}
type Import = { specifier: string | null; taken: string[] }

const known = new Map<string, Import[]>()

/** Every module a source names; null for one whose name is computed. */
function importsOf(source: string): Import[] {
  const before = known.get(source)
  if (before !== undefined) return before
  const found: Import[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (value !== null && typeof value === 'object') {
      const node = value as Node
      if (/^(Import|Export).*Declaration$/.test(node.type) && node.source != null)
        found.push({ specifier: node.source.value, taken: node.specifiers === undefined ? ['*'] : node.specifiers.map(nameOf) })
      else if (node.type === 'CallExpression' && loads(node.callee)) {
        const given = node.arguments?.[0]?.expression
        found.push({ specifier: given?.type === 'StringLiteral' ? String(given.value) : null, taken: ['*'] })
      }
      Object.values(node).forEach(visit)
    }
  }
  visit(parseSync(source, { syntax: 'typescript' }).body)
  known.set(source, found)
  return found
}

const nameOf = (one: Named): string =>
  /Namespace/.test(one.type) ? '*' : (one.imported?.value ?? one.orig?.value ?? one.local?.value ?? '*')

const loads = (callee: Node['callee']): boolean =>
  callee?.type === 'Import' ||
  (callee?.type === 'Identifier' && ['require', 'eval', 'Function'].includes(callee.value ?? '')) ||
  (callee?.type === 'MemberExpression' &&
    ['getBuiltinModule', 'createRequire', '_load', 'dlopen', 'binding'].includes(callee.property?.value ?? ''))
