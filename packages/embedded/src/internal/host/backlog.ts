/** Who waits for answers to be taken. */
export interface Reader {
  /** How many bytes of answers wait for it. */
  readonly unsent: number
  readonly cut: () => void
}

/**
 * What waits for all clients of a server together. Each by itself is bounded, and a thousand of them that do not read would end the
 * process all the same: where all of it is too much, those who have most are cut off.
 */
export class Backlog {
  private readonly most: number
  private readonly readers = new Set<Reader>()
  private total = 0

  /** `most` is in bytes. */
  constructor(most: number) {
    this.most = most
  }

  /** `reader` has `before` bytes that wait, and `more` now. What it has just been given is not held against it. */
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

  /** `reader` has taken some bytes, and `left` wait; or it is gone, with none left. */
  shrink(reader: Reader, bytes: number, left: number): void {
    this.total -= bytes
    if (left === 0) this.readers.delete(reader)
  }
}
