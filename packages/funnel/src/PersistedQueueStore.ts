/**
 * Keeps the elements of a `PersistedQueue` of `@effect/experimental` in Disque. Needs `@effect/experimental`.
 *
 * An element is a job whose body is `{"id":"…","element":…}`, in the queue with the name of the `PersistedQueue`. What holds:
 *
 * - **At least once.** While `take` runs, the lease of its job is renewed. If the process dies, the element is delivered again after its
 *   RETRY. It may then be taken twice, and `take` is not interrupted where its lease is lost: the log says so when it ends.
 * - **Attempts** are counted by NACK. An interruption counts as none, and nor does a crash. An element that has failed `maxAttempts`
 *   times goes to the queue `<name>.dead`, where `DeadLetter` and `disco dead` find it. So does a job that is no element.
 * - **An id** that the caller gives keeps an element from being added twice, as well as that can be: for as long as elements live, a
 *   marker in the queue `disco.ids.<name>/<id>` says that it was added. Two programs that add the same id at the same moment, a crash
 *   between the element and its marker, or the loss of the one node that has the marker add it twice. It is never lost for a marker.
 * - **Order** is about that in which elements were added. One that failed goes to the end.
 * - **Elements live for 7 days**, unless the options say otherwise: Disque deletes older ones, and tells nobody.
 *
 * @since 0.1.0
 */
import { type AddJobOptions, DisquePool, type InvalidArgument, JobQueue } from "@disco/core"
import { deadQueueOf, markerQueue, OptionReader } from "@disco/core/internal"
import { PersistedQueueError, PersistedQueueStore } from "@effect/experimental/PersistedQueue"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Inbox } from "./incoming/inbox.js"
import type { LeasedJob } from "./incoming/leasedJob.js"
import { causeText, kindOf, squash, textOf } from "./internal/failure.js"
import { currentFiber, isInterrupted, type Restore } from "./internal/runtime.js"
import { defaultLetterTtl, LetterSender } from "./worker/letterSender.js"

/**
 * The options of a store.
 *
 * @since 0.1.0
 * @category options
 */
export interface StoreOptions {
  /** How elements are added. Default: with a TTL of 7 days, and what the nodes have as defaults. */
  readonly options?: AddJobOptions | undefined
}

const Element = Schema.Struct({ id: Schema.String, element: Schema.optional(Schema.Unknown) })
type Element = typeof Element.Type
type Elements = JobQueue.JobQueue<Element, Element>

const subject = "PersistedQueueStore"
const closeMillis = 10_000
// A job may arrive when nobody takes any more: it waits so long for the next `take`, and then goes back.
const readyMillis = 1000
// Whoever takes in a loop, whatever comes of it, does so no faster than this where nothing can be taken.
const restMillis = 1000

const failed = (what: string, cause: unknown) =>
  new PersistedQueueError({ message: `${what}: ${textOf(cause)}`, cause })

/** One queue: its elements on their way to those who take them. */
class Taking {
  private readonly name: string
  private readonly queue: Elements
  private readonly inbox: Inbox
  private readonly letters: LetterSender
  /** Whether there are no more elements, for a reason that waiting does not mend. */
  hasEnded = false

  private constructor(queue: Elements, inbox: Inbox, pool: DisquePool.Service) {
    this.name = queue.name
    this.queue = queue
    this.inbox = inbox
    this.letters = new LetterSender(pool, inbox)
  }

  static make(queue: Elements, pool: DisquePool.Service): Effect.Effect<Taking> {
    const inbox = Inbox.make(pool, {
      plan: { from: [queue.name], isRanked: false },
      fetchers: 1,
      prefetch: 0,
      mostPrefetch: 0,
      fetchCount: 1,
      prefetchMillis: readyMillis,
      ackWith: "ackjob",
      putBackWith: "enqueue",
      ackTurns: 0,
      closeMillis
    })
    return Effect.map(inbox, (inbox) => new Taking(queue, inbox, pool))
  }

  /** Takes an element, until the scope ends. */
  take(maxAttempts: number) {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen(this, function* () {
        const { inbox } = this
        const fiber = yield* currentFiber
        while (true) {
          const leased = yield* this.wait(restore)
          const opened = yield* Effect.either(this.queue.open(leased.job))
          if (Either.isLeft(opened)) {
            yield* this.giveUp(leased, opened.left, "undecodable")
            continue
          }
          // If this process was held up, others may have the element.
          if (leased.isDoubtful(inbox.now()) && !(yield* inbox.confirm(leased))) continue
          // Whoever is interrupted here never closes the scope.
          if (isInterrupted(fiber)) {
            inbox.putBackLater(leased)
            return yield* Effect.interrupt
          }
          yield* Effect.addFinalizer((exit) => this.settle(leased, exit, maxAttempts))
          const { element, id } = opened.right.payload
          return { id, element, attempts: leased.job.nacks }
        }
      })
    )
  }

  private wait(restore: Restore): Effect.Effect<LeasedJob, PersistedQueueError> {
    const { inbox, name } = this
    return Effect.suspend(() => {
      inbox.open()
      return Effect.ensuring(restore(inbox.wait), inbox.leave([]))
    }).pipe(
      Effect.catchAll((error) => {
        this.hasEnded = true
        const reason = Option.getOrElse(error, () => new Error("the store is closed"))
        const failure = failed(`no elements can be taken from ${JSON.stringify(name)}`, reason)
        return Effect.zipRight(restore(Effect.sleep(restMillis)), Effect.fail(failure))
      })
    )
  }

  private settle(leased: LeasedJob, exit: Exit.Exit<unknown, unknown>, maxAttempts: number): Effect.Effect<void> {
    const { inbox } = this
    if (Exit.isSuccess(exit)) return this.told(leased, "acknowledged", inbox.acknowledge(leased))
    if (Cause.isInterruptedOnly(exit.cause)) return Effect.sync(() => inbox.putBackLater(leased))
    return leased.job.nacks + 1 >= maxAttempts
      ? this.giveUp(leased, squash(exit.cause), "failed")
      : this.told(leased, "put back", inbox.nack(leased))
  }

  /** Moves an element to the queue `<name>.dead`. */
  private giveUp(leased: LeasedJob, error: unknown, reason: "failed" | "undecodable"): Effect.Effect<void> {
    const { inbox, letters, name } = this
    return Effect.suspend(() => {
      const contents = {
        earlier: undefined,
        attempts: reason === "failed" ? leased.job.nacks + 1 : 0,
        crashes: 0,
        firstAt: inbox.timeOfDay(),
        error: textOf(error)
      }
      const send = letters.sendDeadLetter(leased, contents, reason, deadQueueOf(name), defaultLetterTtl)
      const moving = inbox.move(leased, Effect.asVoid(send))
      return moving === undefined ? Effect.void : Effect.asVoid(moving.await)
    })
  }

  private told(leased: LeasedJob, what: string, settling: Effect.Effect<void, unknown>): Effect.Effect<void> {
    const { job } = leased
    return Effect.catchAllCause(settling, (cause) =>
      this.inbox.notices.say(`element ${kindOf(squash(cause))} ${what}`, (more) =>
        Effect.annotateLogs(
          Effect.logWarning(`an element could not be ${what}, and may be taken again: ${causeText(cause, more)}`),
          { queue: job.queue, job: job.id }
        )
      )
    )
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const { inbox } = this
    return Effect.flatMap(inbox.patience.wait(inbox.close), (isDone) =>
      isDone
        ? Effect.void
        : Effect.zipRight(
            Effect.logError(
              `${inbox.size} elements of ${this.name} are not settled, and come back after their retry time`
            ),
            inbox.end
          )
    )
  })
}

/**
 * Makes a store over the pool, until the scope ends. Then elements that are still taken go back.
 *
 * @example
 * ```ts
 * import * as PersistedQueueStore from "@disco/funnel/PersistedQueueStore"
 * import * as PersistedQueue from "@effect/experimental/PersistedQueue"
 * import { Effect } from "effect"
 *
 * // For as long as a scope. `layer` does this for a program.
 * const factory = Effect.gen(function* () {
 *   const store = yield* PersistedQueueStore.make({ options: { retry: "1 minute" } })
 *   return yield* Effect.provideService(PersistedQueue.makeFactory, PersistedQueue.PersistedQueueStore, store)
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  given?: StoreOptions
): Effect.Effect<PersistedQueueStore["Type"], InvalidArgument, DisquePool | Scope.Scope> =>
  Effect.gen(function* () {
    const { options } = yield* OptionReader.all(subject, given)
    const how = yield* OptionReader.ofJobs(subject, "options", options)
    const pool = yield* DisquePool
    const queues = new Map<string, Elements>()
    const takings = new Map<string, Taking>()
    const one = yield* Effect.makeSemaphore(1)
    yield* Effect.addFinalizer(() =>
      Effect.forEach(takings.values(), ({ close }) => close, { concurrency: "unbounded", discard: true })
    )

    const queueOf = (name: string): Effect.Effect<Elements, PersistedQueueError> => {
      const known = queues.get(name)
      if (known !== undefined) return Effect.succeed(known)
      const made = Effect.try({
        try: () => JobQueue.make(name, { payload: Element, options: how }),
        catch: (error) => failed("this cannot be a queue", error)
      })
      return Effect.tap(made, (queue) => {
        queues.set(name, queue)
      })
    }

    const takingOf = (name: string): Effect.Effect<Taking, PersistedQueueError> =>
      one.withPermits(1)(
        Effect.gen(function* () {
          const known = takings.get(name)
          if (known?.hasEnded === false) return known
          if (known !== undefined) yield* known.close
          const taking = yield* Taking.make(yield* queueOf(name), pool)
          takings.set(name, taking)
          return taking
        })
      )

    /** Adds a job with an id, unless there is a sign that it was added before. A sign that cannot be seen counts as none. */
    const unlessMarked = <E>(queue: Elements, id: string, add: Effect.Effect<unknown, E>) =>
      Effect.gen(function* () {
        const marker = markerQueue(queue.name, id)
        const markers = yield* Effect.orElseSucceed(pool.queueLength(marker), () => 0)
        if (markers > 0) return
        yield* add
        const { ttl } = queue.addOptions()
        // One for each node, which nobody fetches.
        yield* Effect.ignore(pool.addJob(marker, "", { ttl, retry: 0, replicate: 1, maxLen: 1 }))
      })

    return {
      offer: ({ element, id, isCustomId, name }) =>
        Effect.gen(function* () {
          const queue = yield* queueOf(name)
          const add = Effect.mapError(queue.add(pool, { id, element }), (error) =>
            failed(`the element ${JSON.stringify(id)} could not be added to ${JSON.stringify(name)}`, error)
          )
          yield* isCustomId ? unlessMarked(queue, id, add) : add
        }),
      take: ({ maxAttempts, name }) => Effect.flatMap(takingOf(name), (taking) => taking.take(maxAttempts))
    }
  })

/**
 * A store as a layer.
 *
 * @example
 * ```ts
 * import * as PersistedQueueStore from "@disco/funnel/PersistedQueueStore"
 * import { NodeDisque } from "@disco/node"
 * import * as PersistedQueue from "@effect/experimental/PersistedQueue"
 * import { Console, Effect, Layer, Schema } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const emails = yield* PersistedQueue.make({ name: "emails", schema: Schema.Struct({ to: Schema.String }) })
 *   yield* emails.offer({ to: "ada@example.com" }, { id: "welcome-ada" })
 *   yield* emails.take(({ to }) => Console.log(`to ${to}`), { maxAttempts: 5 })
 * })
 *
 * const Queues = PersistedQueue.layer.pipe(
 *   Layer.provide(PersistedQueueStore.layer()),
 *   Layer.provide(NodeDisque.layerPoolConfig())
 * )
 *
 * Effect.runPromise(Effect.provide(program, Queues))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: StoreOptions): Layer.Layer<PersistedQueueStore, InvalidArgument, DisquePool> =>
  Layer.scoped(PersistedQueueStore, make(options))
