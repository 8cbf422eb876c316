/**
 * The unreadable pieces of one input, bounded in number: 10 MB of `{}` are five million of them. Past the first thousand the small ones
 * become one dead letter that holds their first 64 KiB, and says how many pieces and bytes it stands for. A large piece always stands
 * alone: so do those that say how much of them is not kept.
 */
export type DeadPiece = { at: string; reason: string; bytes: Uint8Array }

const mostAlone = 1_000
const restBytes = 65_536

export class DeadPieces {
  readonly #most: number
  #alone = 0
  #first: DeadPiece | null = null
  #pieces = 0
  #bytes = 0
  #kept: Uint8Array[] = []

  constructor(most = mostAlone) {
    this.#most = most
  }

  /** The piece, when it stands alone; null when it went to the rest. */
  take(piece: DeadPiece): DeadPiece | null {
    if (this.#alone < this.#most || piece.bytes.length > restBytes) {
      this.#alone += 1
      return piece
    }
    this.#first ??= { ...piece, bytes: new Uint8Array() }
    const room = Math.max(0, restBytes - this.#bytes)
    // A copy: what is held to the input's end must not keep the input alive.
    if (room > 0) this.#kept.push(Uint8Array.from(piece.bytes.subarray(0, room)))
    this.#pieces += 1
    this.#bytes += piece.bytes.length
    return null
  }

  /** What did not stand alone, at the input's end. */
  rest(): DeadPiece | null {
    if (this.#first === null) return null
    const bytes = Buffer.concat(this.#kept)
    const lost = this.#bytes - bytes.length
    return {
      at: this.#first.at,
      reason: `${this.#pieces} pieces of ${this.#bytes} bytes from here on cannot be read, the first of them: ${this.#first.reason}${lost > 0 ? `; ${lost} bytes of it are not kept` : ''}`,
      bytes,
    }
  }
}
