/** Which files beside a followed one may be what it was before: by the names that log rotation gives, and by inode while nothing is open. */
import { type FileHandle, readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { type Place, readAt } from './follow-place.ts'

/** Files that are not empty, in the order they were written last. `names` are what the followed path leads to, now and before. */
export async function filesBeside(names: readonly string[], looked: readonly Place[]): Promise<string[]> {
  const found = new Map<string, bigint>()
  for (const name of names)
    for (const entry of await readdir(dirname(name)).catch(() => [])) {
      const named = entry === basename(name) || isRotated(entry, basename(name))
      if (!named && looked.length === 0) continue
      const path = join(dirname(name), entry)
      const at = await stat(path, { bigint: true }).catch(() => null)
      if (at === null || !at.isFile() || at.size === 0n) continue
      if (named || looked.some((place) => place.inode === String(at.ino) && place.device === String(at.dev))) found.set(path, at.mtimeNs)
    }
  return [...found].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([path]) => path)
}

/** events.log.1, events.log-20261125, events-20261125.log, 0.log.20261125-101010, events.log.old */
function isRotated(name: string, base: string): boolean {
  if (name.startsWith(base)) return /^[.\-_](?:\d[\d.\-_T:]*|old|bak)$/.test(name.slice(base.length))
  const extension = extname(base)
  const stem = base.slice(0, base.length - extension.length)
  return (
    extension !== '' &&
    name.startsWith(stem) &&
    name.endsWith(extension) &&
    /^[.\-_]\d[\d.\-_T:]*$/.test(name.slice(stem.length, -extension.length))
  )
}

/** gzip, zstd, xz, bzip2; UTF-16. */
export async function isPacked(handle: FileHandle): Promise<boolean> {
  return /^(?:1f8b|28b52ffd|fd377a58|425a68|fffe|feff)/.test((await readAt(handle, 0, 4)).toString('hex'))
}
