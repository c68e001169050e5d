/** An item of a heap of timers. An item can be in one heap at a time, which keeps the place here. */
export interface Timed {
  /** The place in the heap; -1 outside of a heap. */
  timerIndex: number
}

/** A binary heap of items by the time they are due. Each item knows its place, so that it can be moved and removed. */
export class TimerHeap<A extends Timed> {
  private readonly times: Array<number> = []
  private readonly items: Array<A> = []

  get size(): number {
    return this.items.length
  }

  /** When the first item is due; `Infinity` if there is none. */
  get next(): number {
    return this.times[0] ?? Number.POSITIVE_INFINITY
  }

  /** When the item is due; `Infinity` if it is not in the heap. */
  at(item: A): number {
    return this.times[item.timerIndex] ?? Number.POSITIVE_INFINITY
  }

  /** Puts the item in, or moves it. */
  set(item: A, at: number): void {
    const index = item.timerIndex
    if (index < 0) {
      this.times.push(at)
      this.items.push(item)
      this.rise(this.items.length - 1, item, at)
      return
    }
    const before = this.times[index] as number
    if (at < before) this.rise(index, item, at)
    else if (at > before) this.sink(index, item, at)
  }

  remove(item: A): void {
    const index = item.timerIndex
    if (index < 0) return
    item.timerIndex = -1
    const last = this.items.pop() as A
    const at = this.times.pop() as number
    if (last === item) return
    const parent = (index - 1) >> 1
    if (index > 0 && at < (this.times[parent] as number)) this.rise(index, last, at)
    else this.sink(index, last, at)
  }

  /** Removes the first item and returns it, if it is due at `now`. */
  take(now: number): A | undefined {
    if (this.next > now) return undefined
    const first = this.items[0] as A
    this.remove(first)
    return first
  }

  clear(): void {
    for (const item of this.items) item.timerIndex = -1
    this.items.length = 0
    this.times.length = 0
  }

  private place(index: number, item: A, at: number): void {
    this.items[index] = item
    this.times[index] = at
    item.timerIndex = index
  }

  private rise(from: number, item: A, at: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      const time = this.times[parent] as number
      if (time <= at) break
      this.place(index, this.items[parent] as A, time)
      index = parent
    }
    this.place(index, item, at)
  }

  private sink(from: number, item: A, at: number): void {
    const count = this.items.length
    let index = from
    while (true) {
      let child = index * 2 + 1
      if (child >= count) break
      let time = this.times[child] as number
      if (child + 1 < count && (this.times[child + 1] as number) < time) {
        child++
        time = this.times[child] as number
      }
      if (time >= at) break
      this.place(index, this.items[child] as A, time)
      index = child
    }
    this.place(index, item, at)
  }
}

/** Something to do at a time. */
export class Alarm implements Timed {
  timerIndex = -1
  readonly run: () => void
  constructor(run: () => void) {
    this.run = run
  }
}
