/** The fetchers and the consumers of a client. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Consumer, type ConsumerNeeds } from "./consumer.js"
import type { ConsumeRequest, FetcherHealth } from "./fetchLoop.js"
import { type FetchError, GetJobCalls, type GetJobNeeds } from "./getJobCalls.js"

/** What fetching needs. */
type Needs = GetJobNeeds & ConsumerNeeds

export class Fetching {
  private readonly needs: Needs
  private readonly calls = new Set<GetJobCalls>()
  private readonly consumers = new Set<Consumer>()

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** How many links consumers have use for. */
  get consuming(): number {
    let consuming = 0
    for (const consumer of this.consumers) consuming += consumer.size
    return consuming
  }

  /** How the loops of all consumers fare. */
  get health(): ReadonlyArray<FetcherHealth> {
    const { clock, now } = this.needs
    // The time of day of an earlier time, by today's clock.
    const timeOfDay = (at: number) => Math.round(clock.unsafeCurrentTimeMillis() - (now() - at))
    return [...this.consumers].flatMap((consumer) => consumer.health(timeOfDay))
  }

  /** Fetches jobs. The end of the scope waits for the last reply. One that comes too late for that is the affair of `close`. */
  readonly getJobCalls: Effect.Effect<GetJobCalls, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => {
      const calls = new GetJobCalls(this.needs)
      this.calls.add(calls)
      return calls
    }),
    (calls) =>
      Effect.ensuring(
        calls.close,
        Effect.sync(() => calls.whenSettled(() => this.calls.delete(calls)))
      )
  )

  /** Fetches for a consumer until it is interrupted, which waits for the replies that are still due. */
  consume(request: ConsumeRequest): Effect.Effect<never, FetchError> {
    return Effect.scoped(
      Effect.flatMap(this.getJobCalls, (calls) => {
        const consumer = new Consumer({ ...this.needs, calls }, request)
        this.consumers.add(consumer)
        return Effect.ensuring(
          consumer.run,
          Effect.sync(() => this.consumers.delete(consumer))
        )
      })
    )
  }

  /** Ends all waits for jobs, and waits for the replies that are still due. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(this.calls, (calls) => calls.close, { concurrency: "unbounded", discard: true })
  )
}
