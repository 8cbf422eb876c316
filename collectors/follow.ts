/**
 * Follows one growing file by its name, as `tail -F` does, and hands out whole lines: over rename, copy-and-truncate, deletion,
 * links that move, and restarts. What is handed out counts as read only once it is acknowledged; `state()` is then where to go on.
 * Own code, because libraries (@logdna/tail-file, tail, always-tail) keep no place that outlives a rotation or a restart.
 */
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InputError } from '../domain/errors.ts'
import { filesBeside, isPacked } from './follow-beside.ts'
import { compare, Edges, type Place, readAt } from './follow-place.ts'

/** `since`: files that were rotated away before are not ours. `names`: what the path led to, the newest last. */
export type FollowState = { since: number; names: string[]; files: Place[] }
/** `first` since the file was opened: somebody who was killed before may have sent it. */
export type FollowedPiece = { bytes: Buffer; name: string; from: number; to: number; first: boolean; file: OpenFile; edges: Edges }
/** Something a person should know about the file. */
export type FollowNote = (what: 'waiting' | 'rotated' | 'emptied' | 'gone', text: string) => void
type OpenFile = {
  handle: FileHandle
  name: string
  device: string
  inode: string
  offset: number
  edges: Edges
  place: Place | null
  live: boolean
  first: boolean
  grewAt: number
}
export type FollowOptions = { state?: FollowState | null; note?: FollowNote; now?: () => number; pieceBytes?: number; lastLineMs?: number }

const longestLine = 16 * 1024 * 1024
const mostPlaces = 200
/** File systems stamp with a clock that is some milliseconds late. */
const clockLateMs = 100
/** A copy may still be written to, and clocks of file systems tick in milliseconds. */
const settledMs = 1_000

export class FollowedFile {
  readonly path: string
  readonly #note: FollowNote
  readonly #now: () => number
  readonly #pieceBytes: number
  /** A file that was left keeps its last line without a newline as long: whoever writes it may not be done. */
  readonly #lastLineMs: number
  #since: number
  #names: string[]
  #places: Place[]
  #open: OpenFile[] = []
  #waits = false
  #unsettled = false
  #folderNs = 0n

  constructor(path: string, { state, note, now, pieceBytes, lastLineMs }: FollowOptions = {}) {
    this.path = path
    this.#note = note ?? (() => {})
    this.#now = now ?? Date.now
    this.#pieceBytes = pieceBytes ?? 1024 * 1024
    this.#lastLineMs = lastLineMs ?? 5_000
    this.#since = state?.since ?? this.#now() - clockLateMs
    this.#names = state?.names ?? []
    this.#places = (state?.files ?? []).map((place) => ({ ...place }))
  }

  /** To be kept before anything is read: what the path leads to now is ours, however old, even if it is rotated before the first answer. */
  static async start(path: string): Promise<FollowState> {
    const [name, at] = await Promise.all([realpath(path), stat(path)]).catch(() => [null, null])
    const now = Date.now() - clockLateMs
    return { since: Math.floor(Math.min(now, at?.mtimeMs ?? now)), names: name === null ? [] : [name], files: [] }
  }

  /** The next whole lines (`most` bytes, but at least one line), or null when there are none now. Throws InputError when the path cannot be followed. */
  async next(most = Infinity): Promise<FollowedPiece | null> {
    await this.#look()
    for (const file of this.#open.slice()) {
      const piece = await this.#read(file, Math.min(most, this.#pieceBytes))
      if (piece !== null) return piece
    }
    // Only once all is read: a copy that is being made of what was read is then known by its content.
    if (await this.#folderChanged()) await this.#scan()
    return null
  }

  /** What was handed out is safe elsewhere. */
  async acknowledge({ file, to, edges }: FollowedPiece): Promise<void> {
    const { mtimeMs } = await file.handle.stat()
    file.offset = to
    file.edges = edges
    file.first = false
    const { device, inode } = file
    const place: Place = { device, inode, offset: to, ...edges.hashes(), modifiedMs: mtimeMs, left: false }
    this.#places = [...this.#places.filter((one) => one !== file.place), place]
    file.place = place
    while (this.#places.length > mostPlaces) this.#since = Math.max(this.#since, (this.#places.shift()?.modifiedMs ?? 0) + 1)
  }

  state(): FollowState {
    return { since: this.#since, names: this.#names, files: this.#places }
  }

  /** Where reading stands in the file that the path leads to; null when there is none, or none was looked for yet. */
  offset(): number | null {
    return this.#open.find((file) => file.live)?.offset ?? null
  }

  async close(): Promise<void> {
    for (const file of this.#open.splice(0)) await file.handle.close()
  }

  async #read(file: OpenFile, most: number): Promise<FollowedPiece | null> {
    const { size, nlink } = await file.handle.stat()
    if (size < file.offset) return this.#emptied(file)
    if (size === file.offset) return this.#leave(file, nlink === 0)
    let bytes = await readAt(file.handle, file.offset, Math.min(size - file.offset, most))
    if (!bytes.includes(0x0a) && bytes.length === most) {
      bytes = await readAt(file.handle, file.offset, Math.min(size - file.offset, longestLine))
      bytes = bytes.subarray(0, bytes.indexOf(0x0a) + 1 || bytes.length)
    }
    // Asked after reading: between these two the file may have been emptied and filled again.
    if (file.place !== null && (await compare(file.handle, size, file.place)) !== 'same') return this.#emptied(file)
    let end = bytes.lastIndexOf(0x0a) + 1
    if (end === 0 && (bytes.length >= longestLine || (!file.live && this.#now() - file.grewAt >= this.#lastLineMs))) end = bytes.length
    if (end === 0) return null
    file.grewAt = this.#now()
    const taken = bytes.subarray(0, end)
    return {
      bytes: taken,
      name: file.name,
      from: file.offset,
      to: file.offset + end,
      first: file.first,
      file,
      edges: file.edges.after(taken),
    }
  }

  /** Whoever wrote a renamed file may not know yet: the newest one stays open, unless it was deleted. */
  async #leave(file: OpenFile, deleted: boolean): Promise<null> {
    const newest = this.#open.findLast((one) => !one.live) === file
    if (file.live || (newest && !deleted) || this.#now() - file.grewAt < this.#lastLineMs) return null
    this.#open = this.#open.filter((one) => one !== file)
    if (file.place !== null) file.place.left = true
    await file.handle.close()
    return null
  }

  async #emptied(file: OpenFile): Promise<null> {
    const { place, offset } = file
    file.offset = 0
    file.edges = new Edges()
    file.place = null
    file.first = true
    await this.#scan()
    if (place !== null && !this.#open.some((one) => one.place === place)) {
      if (!place.left)
        this.#note('emptied', `was emptied, and no copy of it is beside it: what came after byte ${offset} and was not read is gone.`)
      place.left = true
    }
    return null
  }

  async #look(): Promise<void> {
    const at = await stat(this.path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw new InputError(`${this.path} cannot be followed: ${error.code === 'EACCES' ? 'it may not be read by you' : error.message}.`, {
        cause: error,
      })
    })
    const live = this.#open.find((file) => file.live)
    if (at === null) {
      if (live !== undefined) this.#away(live)
      else if (!this.#waits && this.#open.length === 0) this.#note('waiting', 'is not there yet; waiting for it.')
      this.#waits = true
      return
    }
    this.#waits = false
    if (!at.isFile())
      throw new InputError(`${this.path} is not a file that grows. Name the file itself; \`import\` reads folders and pipes.`)
    if (live === undefined || live.inode !== String(at.ino) || live.device !== String(at.dev)) await this.#scan()
  }

  /** A file that was copied and emptied before anything of it was read shows nowhere else. */
  async #folderChanged(): Promise<boolean> {
    const name = this.#names.at(-1)
    const at = name === undefined ? null : await stat(dirname(name), { bigint: true }).catch(() => null)
    if (at === null) return false
    const changed = this.#unsettled || at.mtimeNs !== this.#folderNs || this.#isFresh(at.mtimeMs)
    this.#folderNs = at.mtimeNs
    return changed
  }

  #isFresh(modifiedMs: bigint): boolean {
    return Math.abs(this.#now() - Number(modifiedMs)) < settledMs
  }

  #away(file: OpenFile): void {
    file.live = false
    file.grewAt = this.#now()
    this.#note('rotated', `was moved away or deleted at byte ${file.offset}; its rest is read, then what takes its place.`)
  }

  /** Finds what the path leads to now, the rest of what it led to before, and what came and went in between. */
  async #scan(): Promise<void> {
    const name = await realpath(this.path).catch(() => this.path)
    this.#names = [...this.#names.filter((one) => one !== name), name].slice(-3)
    const starting = this.#open.length === 0
    const before = this.#open.find((file) => file.live)
    // Until it is found under the path again: another file may have taken its place between two looks.
    if (before !== undefined) before.live = false
    this.#unsettled = false
    const found = await filesBeside(this.#names, starting ? this.#places.filter((place) => !place.left) : [])
    for (const path of [...found.filter((one) => one !== name), name]) await this.#take(path, path === name)
    if (before !== undefined && !before.live) this.#away(before)
    this.#open.sort((a, b) => Number(a.live) - Number(b.live))
    for (const place of this.#places)
      if (starting && !place.left && !this.#open.some((file) => file.place === place)) {
        place.left = true
        this.#note('gone', `the file that was read up to byte ${place.offset} is not there any more: if it had more, that is gone.`)
      }
  }

  async #take(path: string, live: boolean): Promise<void> {
    const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || !live) return null
      throw new InputError(`${path} cannot be followed: ${error.code === 'EACCES' ? 'it may not be read by you' : error.message}.`, {
        cause: error,
      })
    })
    if (handle === null) return
    const ours = await this.#recognise(path, handle, live).catch(async (error: unknown) => {
      await handle.close()
      throw error
    })
    if (ours === null) await handle.close()
    else this.#open.push(ours)
  }

  /** The file, opened where it is to be read on; null when all of it is known, it is open already, or none of ours. */
  async #recognise(path: string, handle: FileHandle, live: boolean): Promise<OpenFile | null> {
    const { dev, ino, size: bigSize, mtimeMs } = await handle.stat({ bigint: true })
    const [device, inode, size] = [String(dev), String(ino), Number(bigSize)]
    const already = this.#open.find((file) => file.inode === inode && file.device === device)
    if (already !== undefined) {
      already.live = live
      return null
    }
    let known: Place | null = null
    let copy = false
    for (const place of this.#places) {
      const likeness = await compare(handle, size, place)
      if (likeness === 'same' && place.offset >= (known?.offset ?? 0)) known = place
      if (likeness === 'shorter') copy = true
    }
    const held = this.#open.some((file) => file.place === known)
    if (!live && known !== null && (held || (known.offset === size && (known.left || known.inode !== inode)))) {
      known.left ||= !held
      return null
    }
    // A copy made before its end was read holds nothing new; neither does what was there before anybody followed.
    if (!live && known === null && (copy || Number(mtimeMs) < this.#since || (await isPacked(handle)))) return null
    if (!live && known === null && this.#isFresh(mtimeMs)) {
      this.#unsettled = true
      return null
    }
    if (live && known === null && (await isPacked(handle)))
      throw new InputError(`${path} is packed or not UTF-8, so it cannot be followed. \`falconer import\` reads it.`)
    const offset = known?.offset ?? (live && copy ? size : 0)
    if (known !== null) known.left = false
    const edges = await Edges.before(handle, offset)
    return { handle, name: path, device, inode, offset, edges, place: known, live, first: true, grewAt: this.#now() }
  }
}
