/** First in, first out. */
export class Fifo<A> {
  private items: Array<A> = []
  private first = 0

  get size(): number {
    return this.items.length - this.first
  }

  push(item: A): void {
    this.items.push(item)
  }

  shift(): A | undefined {
    if (this.first === this.items.length) return undefined
    const item = this.items[this.first] as A
    this.items[this.first] = undefined as A
    this.first += 1
    if (this.first === this.items.length) {
      this.items = []
      this.first = 0
    } else if (this.first > 1024 && this.first * 2 > this.items.length) {
      this.items = this.items.slice(this.first)
      this.first = 0
    }
    return item
  }

  /** Takes all. */
  drain(): Array<A> {
    const items = this.items.slice(this.first)
    this.items = []
    this.first = 0
    return items
  }
}
