/** Walks what a person named on the command line: files in name order, folders entered, hidden files and linked folders left out. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../domain/errors.ts'

/** A file to read; `named` when it was given itself, so that a refusal of it is the caller's error. */
export type FoundFile = { path: string; named: boolean }

export async function* walkFiles(paths: readonly string[]): AsyncIterable<FoundFile> {
  for (const path of paths) {
    if (path === '-') {
      yield { path, named: true }
      continue
    }
    const found = await stat(path).catch(() => null)
    if (found === null) throw new InputError(`${path} does not exist or cannot be read.`)
    if (found.isDirectory()) yield* walkFolder(path)
    else yield { path, named: true }
  }
}

async function* walkFolder(folder: string): AsyncIterable<FoundFile> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walkFolder(path)
    // A link to a file is a file (mounted configuration maps are links); links to folders could lead in a circle.
    else if (entry.isFile() || (entry.isSymbolicLink() && (await stat(path).catch(() => null))?.isFile() === true))
      yield { path, named: false }
  }
}
