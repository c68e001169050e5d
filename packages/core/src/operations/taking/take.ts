/** Takes jobs out of their queue on all nodes, one by one: the other jobs are neither hidden nor delivered meanwhile. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { CommandError, InvalidArgument } from "../../DisqueError.js"
import * as Time from "../../internal/time.js"
import type { PeekedJob } from "../../Job.js"
import { type Place, settle, type Taking } from "./claim.js"
import { NodeFailed } from "./nodes.js"
import { quietly } from "./quietly.js"
import { portion, Search } from "./search.js"

/** The most jobs that are claimed at a time. */
const inHand = 16

/** How long the claimed jobs may take to go back after an interruption. */
const closeMillis = 5000

/** A job that was chosen. */
export interface Chosen<out Item> {
  readonly item: Item
  readonly job: PeekedJob
}

/** Says which jobs are to be taken. */
export interface Chooser<Item, R> {
  /** The most jobs; undefined for all of them. */
  readonly limit: number | undefined
  /** The ids that are still to be found; undefined if jobs are not chosen by their ids. */
  readonly missing: ReadonlySet<string> | undefined
  /** The jobs to take among some jobs, at most `most`. */
  choose(jobs: ReadonlyArray<PeekedJob>, most?: number): Effect.Effect<ReadonlyArray<Chosen<Item>>, never, R>
}

type Failure<E> = E | CommandError | InvalidArgument | NodeFailed

export class Take<Item, E, R> {
  /** How many jobs were taken, dealt with and acknowledged. */
  done = 0
  private readonly acknowledged = new Set<string>()
  private readonly taking: Taking
  private readonly chooser: Chooser<Item, R>
  private readonly act: (item: Item, place: Place) => Effect.Effect<unknown, E>
  private readonly onDone: () => Effect.Effect<void>

  /** `act` deals with a job, which is acknowledged then. If it fails, the job goes back. `onDone` is called after each job. */
  constructor(
    taking: Taking,
    chooser: Chooser<Item, R>,
    act: (item: Item, place: Place) => Effect.Effect<unknown, E>,
    onDone: () => Effect.Effect<void> = () => Effect.void
  ) {
    this.taking = taking
    this.chooser = chooser
    this.act = act
    this.onDone = onDone
  }

  /** The ids of the jobs that were acknowledged. */
  get settled(): ReadonlySet<string> {
    return this.acknowledged
  }

  /** Whether all jobs that were asked for have been found. */
  private get isOver(): boolean {
    return this.done >= (this.chooser.limit ?? Number.POSITIVE_INFINITY) || this.chooser.missing?.size === 0
  }

  private search(node: string): Search {
    return new Search(this.taking.pool, node, this.taking.queue)
  }

  /** Jobs whose ids are known need no search. */
  byId(ids: ReadonlySet<string>, node: string): Effect.Effect<void, Failure<E>, R> {
    return Effect.suspend(() =>
      this.isOver ? Effect.void : Effect.flatMap(this.search(node).byId(ids), (jobs) => this.deal(node, jobs, ids.size))
    )
  }

  /**
   * Deals with the front of the queue of a node, portion by portion: jobs that were dealt with are gone from it. If no job of a whole
   * portion was chosen, the rest of the queue is searched.
   */
  node(node: string): Effect.Effect<void, Failure<E>, R> {
    const self = this
    return Effect.gen(function* () {
      if (self.isOver) return
      const search = self.search(node)
      // No more than there are now: a job that was dealt with may be back before the end.
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

  /** Deals with the jobs that are chosen among these, at most `most`, and gives their number. */
  private deal(node: string, jobs: ReadonlyArray<PeekedJob>, most: number): Effect.Effect<number, Failure<E>, R> {
    const self = this
    return Effect.gen(function* () {
      const wanted = Math.min(most, (self.chooser.limit ?? Number.POSITIVE_INFINITY) - self.done)
      const chosen = yield* self.chooser.choose(jobs, wanted)
      // A job that fails does not interrupt the others between their steps.
      const results = yield* Effect.forEach(chosen, (one) => Effect.either(self.settle(node, one)), {
        concurrency: inHand
      })
      const failures = results.flatMap((result) => (Either.isLeft(result) ? [result.left] : []))
      const worst = failures.find((failure) => !(failure instanceof NodeFailed)) ?? failures[0]
      return worst === undefined ? chosen.length : yield* Effect.fail(worst)
    })
  }

  private settle(node: string, { item, job }: Chosen<Item>): Effect.Effect<void, Failure<E>> {
    return Effect.suspend(() => {
      const place = { id: job.id, node }
      // A job may be queued on two nodes.
      if (this.acknowledged.has(job.id)) return Effect.asVoid(this.taking.pool.ackJob(place))
      return Effect.flatMap(settle(this.taking, place, job.body, this.act(item, place)), (isSettled) => {
        if (!isSettled) return Effect.void
        this.acknowledged.add(job.id)
        this.done += 1
        return this.onDone()
      })
    })
  }
}

/** Bounds the end after an interruption: if a node does not answer, the claimed jobs go back later. */
export const withinItsTime = <A, E, R>(
  { noun, queue }: Pick<Taking, "noun" | "queue">,
  taking: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(Effect.interruptible(taking)), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
        Effect.flatMap(
          Time.timeoutOption(Effect.interruptible(Effect.disconnect(Fiber.interrupt(fiber))), closeMillis),
          Option.match({
            onNone: () =>
              quietly(
                Effect.logError(
                  `${noun}s of ${JSON.stringify(queue)} could not be put back in time: they come back after their retry time`
                )
              ),
            onSome: () => Effect.void
          })
        )
      )
    )
  )
