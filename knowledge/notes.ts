/**
 * The organisation's own notes: the Markdown files of a folder that an operator names. Read as they are, never written, and never left by a link.
 * What cannot be read is said, and what was known of it before stays.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { ConfigError } from '../domain/errors.ts'
import type { Known } from '../store/knowledge.ts'
import { piecesOf } from './chunks.ts'

const mostFiles = 2_000
/** Of all of them: a search looks at each that is embedded (docs/adr/0018-knowledge.md). */
const mostPieces = 20_000
const mostBytes = 1024 * 1024

export type Notes = {
  known: Known[]
  /** Paths that were there and could not be taken, with why. */ refused: { path: string; why: string }[]
}

/** Throws ConfigError when there is no such folder, or one in it cannot be read: then nobody knows what is there. */
export async function readNotes(folder: string): Promise<Notes> {
  const unreadable = (error: NodeJS.ErrnoException): never => {
    throw new ConfigError(`FALCONER_NOTES names ${folder}, which cannot be read (${error.code}).`, { cause: error })
  }
  const root = await realpath(folder).catch(unreadable)
  const paths = await markdownOf(root, '').catch(unreadable)
  const notes: Notes = { known: [], refused: [] }
  let count = 0
  for (const path of paths.slice(0, mostFiles)) {
    const text = await textOf(root, path).catch((error: Error) => error)
    const pieces = text instanceof Error ? [] : piecesOf(titleOf(path, text), text)
    count += pieces.length
    if (text instanceof Error) notes.refused.push({ path, why: text.message })
    else if (count > mostPieces) notes.refused.push({ path, why: `there are more than ${mostPieces} pieces` })
    else notes.known.push({ kind: 'document', ref: path, pieces })
  }
  for (const path of paths.slice(mostFiles)) notes.refused.push({ path, why: `there are more than ${mostFiles} files` })
  return notes
}

/** A mounted ConfigMap is links into a folder that begins with dots: links are followed, hidden folders are not walked. */
async function markdownOf(root: string, folder: string, depth = 0): Promise<string[]> {
  const paths: string[] = []
  for (const name of (await readdir(join(root, folder))).sort()) {
    if (name.startsWith('.') || paths.length > mostFiles) continue
    const path = folder === '' ? name : `${folder}/${name}`
    const entry = await stat(join(root, path)).catch(() => null)
    if (entry?.isDirectory() === true && depth < 8 && (await isInside(root, path))) paths.push(...(await markdownOf(root, path, depth + 1)))
    else if (entry?.isFile() === true && /\.(?:md|markdown)$/i.test(name)) paths.push(path)
  }
  return paths
}

async function isInside(root: string, path: string): Promise<boolean> {
  const inside = relative(root, await realpath(join(root, path)))
  return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`)
}

async function textOf(root: string, path: string): Promise<string> {
  if (!(await isInside(root, path))) throw new Error('it is a link that leads out of the folder')
  const { size } = await stat(join(root, path))
  if (size > mostBytes) throw new Error(`it has ${size} bytes; ${mostBytes} are taken`)
  // What is no text reads as replacement characters: searchable for nobody, harmful to nobody.
  return (await readFile(join(root, path), 'utf8')).replace(/^\ufeff/, '').replace(/^---\n[\s\S]*?\n---\n/, '')
}

const titleOf = (path: string, text: string): string => /^#\s+(.+?)\s*#*$/m.exec(text)?.[1]?.slice(0, 200) ?? path.replace(/\.\w+$/, '')
