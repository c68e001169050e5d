const empty = new Uint8Array(0)

/** Bytes that arrive in pieces. Memory is taken for the bytes that have arrived, however many were announced. */
export class Gathered {
  private bytes = empty
  length = 0

  /** Adds a piece. `most` is the largest number of bytes that there can be in all. */
  add(piece: Uint8Array, most: number): void {
    const needed = this.length + piece.length
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(most, 2 * this.bytes.length)))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    this.bytes.set(piece, this.length)
    this.length = needed
  }

  take(): Uint8Array {
    const bytes = this.bytes.subarray(0, this.length)
    this.bytes = empty
    this.length = 0
    return bytes
  }
}
