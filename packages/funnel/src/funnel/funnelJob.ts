/** The jobs that the consumers of a funnel are given. */
import type { Job, JobId } from "@disco/core"
import { toJson } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import type { SettleError } from "../incoming/inbox.js"
import type { LeasedJob, LeaseLost } from "../incoming/leasedJob.js"

/**
 * A job that a consumer took from a funnel.
 *
 * @since 0.1.0
 * @category models
 */
export interface FunnelJob extends Job.Job {
  /**
   * ACKJOB: the job is done, even if its consumer fails later. Does nothing to a job that is settled already. If the job may have been
   * delivered to another consumer too, it is acknowledged all the same, and this fails with `LeaseLost`.
   *
   * @example
   * ```ts
   * import { Job } from "@disco/core"
   * import { Funnel } from "@disco/funnel"
   * import { Console, Effect, Stream } from "effect"
   *
   * // Each job is settled by hand.
   * const program = Effect.gen(function* () {
   *   const funnel = yield* Funnel.make({ queues: "greetings", acknowledge: "manual" })
   *   yield* Stream.runForEach(funnel.incoming, (job) => {
   *     const text = Job.text(job)
   *     return text === "" ? job.nack : Effect.zipRight(Console.log(text), job.ack)
   *   })
   * }).pipe(Effect.scoped)
   * ```
   */
  readonly ack: Effect.Effect<void, SettleError | LeaseLost>
  /**
   * NACK: puts the job back at once. Does nothing to a job that is settled already, or is delivered once (RETRY 0). Fails with
   * `LeaseLost` if another consumer has the job, or will have it.
   *
   * @see {@link FunnelJob.ack}
   */
  readonly nack: Effect.Effect<void, SettleError | LeaseLost>
  /**
   * Ends when the lease is lost, and gives the reason. If the lease is not lost, this does not end.
   *
   * @example
   * ```ts
   * import { Funnel } from "@disco/funnel"
   * import { Effect } from "effect"
   *
   * const render = (pass: string) => Effect.zipRight(Effect.log(pass), Effect.sleep("10 minutes"))
   *
   * const program = Effect.gen(function* () {
   *   const funnel = yield* Funnel.make({ queues: "videos" })
   *   yield* funnel.forEach((job) =>
   *     Effect.gen(function* () {
   *       // The first pass goes on when the job is another consumer's, and the log says so.
   *       yield* Effect.fork(Effect.flatMap(job.lost, ({ message }) => Effect.logWarning(message)))
   *       yield* render("first")
   *       // The second one is interrupted then.
   *       yield* job.guard(render("second"))
   *     })
   *   )
   * }).pipe(Effect.scoped)
   * ```
   */
  readonly lost: Effect.Effect<LeaseLost>
  /**
   * Runs an effect that is interrupted, and fails, when the lease is lost.
   *
   * @see {@link FunnelJob.lost}
   */
  readonly guard: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | LeaseLost, R>
}

/**
 * A job with its payload.
 *
 * @since 0.1.0
 * @category models
 */
export interface TypedJob<A> extends FunnelJob {
  readonly payload: A
}

/** Settles jobs at once. */
interface Settlement {
  readonly acknowledge: (leased: LeasedJob) => Effect.Effect<void, SettleError | LeaseLost>
  readonly nack: (leased: LeasedJob) => Effect.Effect<void, SettleError | LeaseLost>
}

/** A job in the hands of a consumer. */
export class TakenJob implements FunnelJob {
  readonly queue: string
  readonly id: JobId.JobId
  readonly body: Uint8Array
  readonly nacks: number
  readonly additionalDeliveries: number
  readonly node: string
  private readonly settlement: Settlement
  private readonly leased: LeasedJob

  constructor(settlement: Settlement, leased: LeasedJob) {
    const { job } = leased
    this.queue = job.queue
    this.id = job.id
    this.body = job.body
    this.nacks = job.nacks
    this.additionalDeliveries = job.additionalDeliveries
    this.node = job.node
    this.settlement = settlement
    this.leased = leased
  }

  /** The job as `JSON.stringify` shows it, without the fields that settle it. */
  toJSON(): unknown {
    const { leased: _leased, settlement: _settlement, ...job } = this
    return toJson(job)
  }

  get ack() {
    return this.settlement.acknowledge(this.leased)
  }

  get nack() {
    return this.settlement.nack(this.leased)
  }

  get lost(): Effect.Effect<LeaseLost> {
    return Effect.async<LeaseLost>((resume) => {
      const unwatch = this.leased.watch((lost) => resume(Effect.succeed(lost)))
      return Effect.sync(unwatch)
    })
  }

  guard<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | LeaseLost, R> {
    return Effect.raceFirst(effect, Effect.flatMap(this.lost, Effect.fail))
  }
}

export class TakenTypedJob<A> extends TakenJob implements TypedJob<A> {
  readonly payload: A

  constructor(settlement: Settlement, leased: LeasedJob, payload: A) {
    super(settlement, leased)
    this.payload = payload
  }
}
