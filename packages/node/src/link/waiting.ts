/** What waits for replies, in the order of the commands. */
import type { DisqueLink } from "@disco/core"

export type Done = Parameters<DisqueLink["send"]>[1]

const leastSize = 16

/** A ring: an array that is shifted, or a chain, would hold on to what is done with for longer. */
export class Waiting {
  private ring = new Array<Done | undefined>(leastSize).fill(undefined)
  private head = 0
  private size = 0

  add(done: Done): void {
    if (this.size === this.ring.length) this.grow()
    this.ring[(this.head + this.size) & (this.ring.length - 1)] = done
    this.size += 1
  }

  /** Takes the one that waits longest; nothing where none does. */
  take(): Done | undefined {
    const done = this.ring[this.head]
    if (done === undefined) return undefined
    this.ring[this.head] = undefined
    this.head = (this.head + 1) & (this.ring.length - 1)
    this.size -= 1
    return done
  }

  private grow(): void {
    const { head, ring } = this
    this.ring = [...ring.slice(head), ...ring.slice(0, head), ...new Array<undefined>(ring.length).fill(undefined)]
    this.head = 0
  }
}
