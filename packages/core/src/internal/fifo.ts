/** First in, first out. */

const leastSize = 16
// A larger ring is replaced by a small one when it is empty.
const keptSize = 1024

/** A queue in a ring. An array that is shifted, or a linked list, would keep taken items in memory for longer. */
export class Fifo<A> {
  private ring = new Array<A | undefined>(leastSize).fill(undefined)
  private head = 0
  private count = 0

  get size(): number {
    return this.count
  }

  push(item: A): void {
    if (this.count === this.ring.length) this.grow()
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = item
    this.count += 1
  }

  /** The first item, which stays in the queue. */
  peek(): A | undefined {
    return this.ring[this.head]
  }

  /** Takes the first item; undefined if the queue is empty. */
  shift(): A | undefined {
    if (this.count === 0) return undefined
    const item = this.ring[this.head]
    this.ring[this.head] = undefined
    this.head = (this.head + 1) & (this.ring.length - 1)
    this.count -= 1
    if (this.count === 0 && this.ring.length > keptSize) this.clear()
    return item
  }

  /** Takes all items. */
  drain(): Array<A> {
    const items: Array<A> = []
    for (; this.count > 0; this.count--) {
      items.push(this.ring[this.head] as A)
      this.head = (this.head + 1) & (this.ring.length - 1)
    }
    this.clear()
    return items
  }

  private clear(): void {
    this.ring = new Array<A | undefined>(leastSize).fill(undefined)
    this.head = 0
  }

  private grow(): void {
    const { head, ring } = this
    this.ring = ring.slice(head).concat(ring.slice(0, head), new Array<A | undefined>(ring.length).fill(undefined))
    this.head = 0
  }
}
