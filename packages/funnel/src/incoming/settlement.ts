/** Settles jobs: acknowledges them, puts them back, or moves them to another queue. */
import { type DisquePool, JobId } from "@disco/core"
import type { Notices } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { causeText, kindOf, textOf } from "../internal/failure.js"
import { copyOptions, factsOf } from "./jobCopy.js"
import type { LeasedJob, LeaseLost } from "./leasedJob.js"
import { type Done, SettleBatcher, type SettleError } from "./settleBatcher.js"

const ackBatch = 128

export interface SettlementOptions {
  readonly ackWith: "ackjob" | "fastack"
  /** How jobs are put back that nobody has settled. */
  readonly putBackWith: "nack" | "enqueue"
  /** How many turns of the scheduler an acknowledgement that nobody waits for gathers others, and can be withdrawn. */
  readonly ackTurns: number
}

export interface SettlementNeeds {
  readonly pool: DisquePool.Service
  readonly notices: Notices
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  readonly jobs: {
    readonly find: (id: JobId.JobId) => LeasedJob | undefined
    readonly settle: (leased: LeasedJob) => void
    readonly letGo: (leased: LeasedJob) => void
  }
  readonly isClosed: () => boolean
  /** Makes a job that cannot be put back ready to be taken again. */
  readonly keepReady: (leased: LeasedJob) => void
  /** Called when a job is acknowledged that waits to be taken. */
  readonly onReadySettled: (leased: LeasedJob) => void
}

export class Settlement {
  private readonly needs: SettlementNeeds
  private readonly acks: SettleBatcher
  private readonly returns: SettleBatcher
  private readonly nacks: SettleBatcher
  private moving = 0
  private readonly onMoved = new Set<() => void>()

  constructor(needs: SettlementNeeds, { ackTurns, ackWith, putBackWith }: SettlementOptions) {
    this.needs = needs
    const { fork, pool } = needs
    this.acks = new SettleBatcher({
      send: (jobs) => (ackWith === "fastack" ? pool.fastAckJob(jobs) : pool.ackJob(jobs)),
      fork,
      state: "settling",
      batch: ackBatch,
      turns: ackTurns
    })
    const returning = (send: (typeof pool)["nackJob"]) =>
      new SettleBatcher({ send, fork, state: "returning", batch: ackBatch, turns: 1 })
    this.nacks = returning((jobs) => pool.nackJob(jobs))
    this.returns = putBackWith === "nack" ? this.nacks : returning((jobs) => pool.enqueueJob(jobs))
  }

  /** ACKJOB, with its result. A job whose lease is lost is acknowledged all the same: it may be delivered again otherwise. */
  acknowledge(leased: LeasedJob): Effect.Effect<void, SettleError | LeaseLost> {
    return Effect.suspend(() => {
      const { lost } = leased
      if (leased.state !== "undecided") return Effect.void
      const settled = this.settleNow(this.acks, leased)
      return lost === undefined ? settled : Effect.zipRight(settled, Effect.fail(lost))
    })
  }

  /** NACK, with its result. A job whose lease is lost was delivered to others already. */
  nack(leased: LeasedJob): Effect.Effect<void, SettleError | LeaseLost> {
    return Effect.suspend((): Effect.Effect<void, SettleError | LeaseLost> => {
      if (leased.state !== "undecided") return Effect.void
      return leased.lost === undefined ? this.settleNow(this.nacks, leased) : Effect.fail(leased.lost)
    })
  }

  /** ACKJOB with the next batch. */
  acknowledgeLater(leased: LeasedJob): void {
    if (leased.state !== "undecided" && leased.state !== "moving") return
    this.acks.add(leased, this.acknowledged)
    if (leased.lost === undefined) return
    // If the job was delivered again and waits here, it need not be done again.
    const again = this.needs.jobs.find(leased.job.id)
    if (again?.isReady !== true) return
    this.needs.onReadySettled(again)
    this.acks.add(again, this.acknowledged)
  }

  /** NACK or ENQUEUE with the next batch. */
  putBackLater(leased: LeasedJob): void {
    if (leased.isOurs) this.returns.add(leased, this.returned)
  }

  /** Takes back acknowledgements that have not been sent. */
  withdraw(jobs: ReadonlyArray<LeasedJob>): ReadonlyArray<LeasedJob> {
    return this.acks.withdraw(jobs)
  }

  /** Puts back a job that nobody has settled. */
  giveBack(leased: LeasedJob): void {
    if (leased.wasTaken || JobId.isAtLeastOnce(leased.job.id)) this.putBackLater(leased)
    else this.move(leased, this.addAgain(leased))
  }

  // Neither NACK nor ENQUEUE brings back an at-most-once job. No consumer has seen this job, so it is added once more.
  private addAgain(leased: LeasedJob): Effect.Effect<void> {
    const { isClosed, keepReady, pool } = this.needs
    const { job } = leased
    return Effect.flatMap(factsOf(pool, job), (facts) => {
      if (facts === "unknown") return Effect.void
      return Effect.matchEffect(pool.addJob(job.queue, job.body, copyOptions(job, facts, 0)), {
        onFailure: (error) => {
          if (!isClosed()) keepReady(leased)
          return this.logUnreturned(leased, error, isClosed() ? "is lost" : "stays here")
        },
        onSuccess: () => Effect.sync(() => this.acknowledgeLater(leased))
      })
    })
  }

  /** Logs that an at-most-once job could not go back, and what becomes of the job. */
  logUnreturned({ job }: LeasedJob, error: unknown, end: string): Effect.Effect<void> {
    return this.needs.notices.say(`return ${job.queue} ${kindOf(error)}`, (more) =>
      Effect.annotateLogs(
        Effect.logError(`a job could not go back, and ${end}, as it is delivered once only: ${textOf(error)}${more}`),
        { queue: job.queue, job: job.id }
      )
    )
  }

  /**
   * Moves a job to another queue by an effect that settles it. Nothing else settles the job meanwhile. If the effect ends without
   * settling it, the job is let go.
   */
  move(leased: LeasedJob, effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> | undefined {
    if (leased.state !== "undecided") return undefined
    leased.state = "moving"
    this.moving += 1
    const fiber = this.needs.fork(effect)
    fiber.addObserver(() => {
      if (leased.state === "moving") this.needs.jobs.letGo(leased)
      this.moving -= 1
      if (this.moving === 0) for (const resume of [...this.onMoved]) resume()
    })
    return fiber
  }

  private readonly moved: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.moving === 0) return resume(Effect.void)
    const onMoved = () => resume(Effect.void)
    this.onMoved.add(onMoved)
    return Effect.sync(() => this.onMoved.delete(onMoved))
  })

  /** Ends when everything that was decided so far has been answered. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() =>
    Effect.all([this.moved, this.acks.settled, this.returns.settled, this.nacks.settled], { discard: true })
  )

  /** Sends the acknowledgements that wait for others to fill their batch. */
  hurry(): void {
    this.acks.hurry()
  }

  private settleNow(batcher: SettleBatcher, leased: LeasedJob): Effect.Effect<void, SettleError> {
    return Effect.async<void, SettleError>((resume) => {
      batcher.add(leased, (outcome) => {
        if (Exit.isSuccess(outcome)) {
          this.needs.jobs.settle(leased)
          resume(Effect.void)
        } else {
          // The caller may try again.
          leased.state = "undecided"
          if (this.needs.isClosed()) this.putBackLater(leased)
          resume(Effect.failCause(outcome.cause))
        }
      })
      batcher.hurry()
    })
  }

  private readonly acknowledged = this.settledAs("acknowledged")
  private readonly returned = this.settledAs("put back")

  private settledAs(what: string): Done {
    return (outcome, leased) => {
      const { fork, jobs, notices } = this.needs
      jobs.settle(leased)
      if (Exit.isSuccess(outcome) || Exit.isInterrupted(outcome)) return
      const { job } = leased
      fork(
        notices.say(`settle ${job.queue} ${job.node} ${what}`, (more) =>
          Effect.annotateLogs(
            Effect.logWarning(
              `a job could not be ${what}, and comes back after its retry time: ${causeText(outcome.cause, more)}`
            ),
            { queue: job.queue, job: job.id }
          )
        )
      )
    }
  }
}
