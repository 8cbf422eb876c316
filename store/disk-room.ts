/**
 * Room on the disk of the embedded database. When its write-ahead log finds none, PGlite does not fail: it spins for ever, and the
 * server with it. So a transaction is refused before, while there is still room for what is under way.
 */
import { statfs } from 'node:fs/promises'
import { FalconerError } from '../domain/errors.ts'

export class DiskFullError extends FalconerError {
  constructor(folder: string, free: number, needed: number) {
    super(
      'disk_full',
      `The disk of ${folder} has ${Math.floor(free / mebibyte)} MiB left, and the embedded database needs ${needed}. What was stored before is kept. Make room, then try again.`,
    )
  }
}

export type FreeBytes = () => Promise<number>

const mebibyte = 1_048_576
/** Four segments of its log: more than one transaction writes. */
const writeMebibytes = 64
/** To start, and to make room. */
const freeMebibytes = 32
const measuredForMs = 100

export type DiskRoom = { toFree(): Promise<void>; toWrite(): Promise<void> }

/** Each throws DiskFullError when there is too little. */
export function diskRoom(
  folder: string,
  freeBytes: FreeBytes = async () => {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  },
): DiskRoom {
  let free = 0
  let measuredAt = Number.NEGATIVE_INFINITY
  const need = async (mebibytes: number): Promise<void> => {
    if (performance.now() - measuredAt > measuredForMs) {
      free = await freeBytes()
      measuredAt = performance.now()
    }
    if (free < mebibytes * mebibyte) throw new DiskFullError(folder, free, mebibytes)
  }
  return { toFree: () => need(freeMebibytes), toWrite: () => need(writeMebibytes) }
}
