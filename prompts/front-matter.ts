/** A Markdown file with YAML front matter: its fields, its text, and a version that changes with any byte of it. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { z } from 'zod'
import { InvariantError } from '../domain/errors.ts'

export type Written<T> = T & { name: string; version: string; body: string }

/** All of a folder beside this file, by name. Throws InvariantError for one that is not as its schema says: these files are ours. */
export function readFolder<S extends z.ZodObject>(folder: string, schema: S): Written<z.output<S>>[] {
  const place = new URL(`${folder}/`, import.meta.url)
  return readdirSync(place)
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => parseFile(`prompts/${folder}/${file}`, file.slice(0, -3), readFileSync(new URL(file, place), 'utf8'), schema))
}

export const readText = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8').trim()

export function parseFile<S extends z.ZodObject>(path: string, name: string, text: string, schema: S): Written<z.output<S>> {
  const [, head, body] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  if (head === undefined || body === undefined)
    throw new InvariantError(`${path} does not begin with front matter between two lines of ---.`)
  const fields = schema.safeParse(parse(head))
  if (!fields.success)
    throw new InvariantError(`${path}: ${fields.error.issues.map((one) => `${one.path.join('.')} ${one.message}`).join('; ')}`)
  const version = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { ...fields.data, name, version, body: body.trim() }
}
