/** Takes letters out of their queue, on all nodes. */
import type { CommandError, InvalidArgument } from "@disco/core"
import { Notices } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import { bounded } from "../internal/patience.js"
import { quietly } from "../internal/quietly.js"
import { forkInterruptible } from "../internal/runtime.js"
import { settle } from "./claim.js"
import { NodeFailed, Nodes } from "./nodes.js"
import { type Pool, portion, Search } from "./search.js"
import type { Chooser, Chosen, Entry } from "./selection.js"

/** The most letters that are claimed at a time. */
const inHand = 16

/** How long the claimed letters may take to go back if a drain is interrupted. */
const closeMillis = 5000

type Failure<E> = E | CommandError | InvalidArgument | NodeFailed

class Drain<E extends Entry, E2, R> {
  done = 0
  // A letter may be queued on two nodes.
  private readonly settled = new Set<string>()
  private readonly pool: Pool
  private readonly notices: Notices
  private readonly queue: string
  private readonly chooser: Chooser<E, R>
  private readonly act: (entry: E) => Effect.Effect<unknown, E2>

  constructor(
    pool: Pool,
    notices: Notices,
    queue: string,
    chooser: Chooser<E, R>,
    act: (entry: E) => Effect.Effect<unknown, E2>
  ) {
    this.pool = pool
    this.notices = notices
    this.queue = queue
    this.chooser = chooser
    this.act = act
  }

  /** Whether all letters that were asked for have been found. */
  private get isOver(): boolean {
    return this.done >= (this.chooser.limit ?? Number.POSITIVE_INFINITY) || this.chooser.missing?.size === 0
  }

  /** Letters whose ids are known need no search. */
  byId(ids: ReadonlySet<string>, node: string): Effect.Effect<void, Failure<E2>, R> {
    return Effect.suspend(() => {
      const search = new Search(this.pool, node, this.queue)
      return this.isOver ? Effect.void : Effect.flatMap(search.byId(ids), (jobs) => this.deal(node, jobs, ids.size))
    })
  }

  /**
   * Deals with the front of the queue of a node, portion by portion: letters that were dealt with are gone from it. If no letter of a
   * whole portion was chosen, the rest of the queue is searched.
   */
  node(node: string): Effect.Effect<void, Failure<E2>, R> {
    const self = this
    return Effect.gen(function* () {
      if (self.isOver) return
      const search = new Search(self.pool, node, self.queue)
      // No more than there are now: a job that was redriven may be back in a new letter before the end.
      let most = yield* search.length
      while (most > 0) {
        const jobs = yield* search.front(portion)
        const chosen = yield* self.deal(node, jobs, most)
        most -= chosen
        if (jobs.length < portion || self.isOver) return
        if (chosen === 0) break
      }
      if (most === 0) return
      yield* search.all((jobs) =>
        Effect.map(self.deal(node, jobs, most), (chosen) => {
          most -= chosen
          return most > 0 && !self.isOver
        })
      )
    })
  }

  /** Deals with the letters that are chosen among these jobs, at most `most`, and gives their number. */
  private deal(
    node: string,
    jobs: Parameters<Chooser<E, R>["choose"]>[0],
    most: number
  ): Effect.Effect<number, Failure<E2>, R> {
    const self = this
    return Effect.gen(function* () {
      const wanted = Math.min(most, (self.chooser.limit ?? Number.POSITIVE_INFINITY) - self.done)
      const chosen = yield* self.chooser.choose(jobs, wanted)
      // A letter that fails does not interrupt the others between their steps.
      const results = yield* Effect.forEach(chosen, (one) => Effect.either(self.settle(node, one)), {
        concurrency: inHand
      })
      const failures = results.flatMap((result) => (Either.isLeft(result) ? [result.left] : []))
      const worst = failures.find((failure) => !(failure instanceof NodeFailed)) ?? failures[0]
      return worst === undefined ? chosen.length : yield* Effect.fail(worst)
    })
  }

  private settle(node: string, { body, entry }: Chosen<E>): Effect.Effect<void, Failure<E2>> {
    return Effect.suspend(() => {
      const place = { id: entry.id, node }
      if (this.settled.has(entry.id)) return Effect.asVoid(this.pool.ackJob(place))
      return Effect.map(settle(this.pool, this.notices, place, this.queue, body, this.act(entry)), (isSettled) => {
        if (!isSettled) return
        this.settled.add(entry.id)
        this.done += 1
      })
    })
  }
}

/** Bounds the end of an interrupted drain: if a node does not answer, the claimed letters go back later. */
const withinItsTime = <A, E, R>(queue: string, draining: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(Effect.interruptible(draining)), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
        Effect.flatMap(bounded(Fiber.interrupt(fiber), closeMillis), (isDone) =>
          isDone
            ? Effect.void
            : quietly(
                Effect.logError(
                  `letters of ${JSON.stringify(queue)} could not be put back in time: they come back after their retry time`
                )
              )
        )
      )
    )
  )

/** Runs an effect for each letter that is chosen, and acknowledges the letter. Gives the number of letters. */
export const drain = <E extends Entry, E2, R>(
  pool: Pool,
  queue: string,
  chooser: Chooser<E, R>,
  act: (entry: E) => Effect.Effect<unknown, E2>
): Effect.Effect<number, E2 | CommandError | InvalidArgument, R> =>
  withinItsTime(
    queue,
    Effect.gen(function* () {
      const { nodes: known } = yield* pool.health
      const nodes = new Nodes(known.map(({ address }) => address))
      const notices = new Notices(yield* Effect.clock, forkInterruptible(yield* Effect.runtime<never>()))
      const work = new Drain(pool, notices, queue, chooser, act)
      const { missing } = chooser
      const byIds = missing === undefined ? Effect.void : nodes.each((node) => work.byId(missing, node), "in turn")
      const all = Effect.zipRight(
        byIds,
        nodes.each((node) => work.node(node), "in turn")
      )
      yield* Effect.ensuring(all, notices.end)
      yield* nodes.report(queue)
      return work.done
    }).pipe(
      Effect.ensuring(
        Effect.suspend(() =>
          chooser.foreign === 0
            ? Effect.void
            : quietly(
                Effect.logWarning(`jobs that are no letters stay in ${JSON.stringify(queue)}: ${chooser.foreign}`)
              )
        )
      )
    )
  )
