/** Where the jobs wait that were offered to a funnel. */
import { Fifo } from "@disco/core/internal"
import * as Chunk from "effect/Chunk"
import type * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

const variance = { _A: (value: unknown) => value as never }

// The store of `Queue.bounded` makes a `Chunk` of a `Chunk` for each item that is taken together with others.
class OfferedJobs<A> implements Queue.BackingQueue<A> {
  readonly [Queue.BackingQueueTypeId] = variance
  private readonly most: number
  private readonly items = new Fifo<A>()

  constructor(most: number) {
    this.most = most
  }

  capacity(): number {
    return this.most
  }

  length(): number {
    return this.items.size
  }

  poll<Def>(none: Def): A | Def {
    return this.items.size === 0 ? none : (this.items.shift() as A)
  }

  pollUpTo(limit: number): Chunk.Chunk<A> {
    const polled: Array<A> = []
    while (polled.length < limit && this.items.size > 0) polled.push(this.items.shift() as A)
    return Chunk.unsafeFromArray(polled)
  }

  offer(item: A): boolean {
    if (this.items.size >= this.most) return false
    this.items.push(item)
    return true
  }

  offerAll(items: Iterable<A>): Chunk.Chunk<A> {
    const left: Array<A> = []
    for (const item of items) if (!this.offer(item)) left.push(item)
    return Chunk.unsafeFromArray(left)
  }
}

/** A queue as `Queue.bounded` makes it, whose items are taken in bulk at less cost. */
export const offeredJobs = <A>(capacity: number): Effect.Effect<Queue.Queue<A>> =>
  Queue.make(new OfferedJobs<A>(capacity), Queue.backPressureStrategy())
