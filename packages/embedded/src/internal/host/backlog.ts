/** A client for which answers wait. */
export interface Reader {
  /** How many bytes of answers wait. */
  readonly unsent: number
  readonly cut: () => void
}

/**
 * The answers that wait for all clients of a server. The answers for each client are bounded, but a thousand clients that do not
 * read would still end the process. So when the sum is too large, the clients with most answers are cut off.
 */
export class Backlog {
  private readonly most: number
  private readonly readers = new Set<Reader>()
  private total = 0

  /** `most` is in bytes. */
  constructor(most: number) {
    this.most = most
  }

  /** `more` bytes wait for `reader`, besides the `before` bytes. The new bytes do not count against the reader. */
  grow(reader: Reader, before: number, more: number): void {
    this.total += more
    this.readers.add(reader)
    while (this.total > this.most) {
      let worst: Reader | undefined
      let worstSize = 0
      for (const each of this.readers) {
        const size = each === reader ? before : each.unsent
        if (size > worstSize) {
          worst = each
          worstSize = size
        }
      }
      if (worst === undefined) return
      worst.cut()
    }
  }

  /** `reader` has taken or dropped some bytes, and `left` bytes still wait. */
  shrink(reader: Reader, bytes: number, left: number): void {
    this.total -= bytes
    if (left === 0) this.readers.delete(reader)
  }
}
