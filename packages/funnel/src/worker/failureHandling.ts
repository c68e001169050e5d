/** What becomes of jobs that are not simply done: they are tried again, given up, or given back. */
import { type DisquePool, type Job, JobId } from "@disco/core"
import { type Line, Time } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { Inbox } from "../incoming/inbox.js"
import { copyOptions, type Facts, factsOf } from "../incoming/jobCopy.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { causeText, kindOf, squash, textOf } from "../internal/failure.js"
import { quietly } from "../internal/quietly.js"
import { interruptLater, type Restore } from "../internal/runtime.js"
import { type CrewOptions, givenUp, HandlerDied, type Work } from "./attempt.js"
import { Records } from "./attemptRecords.js"
import { advance } from "./backoff.js"
import { deadQueue, fromJob, type Letter, millis, type Reason, retryQueue, write } from "./letter.js"
import { bury, replace, replaceOrLetGo } from "./replaceWithLetter.js"
import type { Meters } from "./workerMetrics.js"

type Pool = Context.Tag.Service<typeof DisquePool>

/** A job that waits here for its next attempt. */
interface Parked {
  readonly history: Letter | undefined
  readonly dueAt: number
  readonly timer: Fiber.RuntimeFiber<void>
}

/** What is known of a job before it is tried. */
export interface Standing {
  /** How often it failed. */
  readonly attempts: number
  /** How often it may have been the end of who had it. */
  readonly crashes: number
  readonly firstAt: number | undefined
  readonly error: string | undefined
  /** Whether it is not to be tried again. */
  readonly isOver: boolean
}

// What goes back is to go back soon: as it is, where it cannot be moved at once.
const whileMoving = Schedule.stop

export class Fate<A, E, B> {
  readonly records = new Records()
  private readonly pool: Pool
  private readonly inbox: Inbox
  private readonly options: CrewOptions<A, E, B>
  private readonly meters: Meters
  private readonly parked = new Map<LeasedJob, Parked>()
  private isClosing = false

  constructor(pool: Pool, inbox: Inbox, options: CrewOptions<A, E, B>, meters: Meters) {
    this.pool = pool
    this.inbox = inbox
    this.options = options
    this.meters = meters
  }

  /** What the node, a letter and this worker know of a job. What the node counts is corrected by what is known here. */
  standing({ job }: LeasedJob, history: Letter | undefined): Standing {
    const record = this.records.of(job.id)
    const counted = (history?.attempts ?? 0) + job.nacks
    const crashes = (history?.crashes ?? 0) + Math.max(0, job.additionalDeliveries - (record?.returns ?? 0))
    const wasTried = history !== undefined && history.attempts > 0
    return {
      attempts: Math.max(counted, record?.attempts ?? 0),
      crashes,
      firstAt: record?.firstAt ?? (wasTried ? millis(history.firstAt) : undefined),
      error: record?.error ?? history?.error,
      isOver: record?.isOver ?? false
    }
  }

  /** Lets no more jobs wait here. */
  close(): void {
    this.isClosing = true
  }

  /** Moves on the jobs that wait here for their next attempt. */
  clear(): void {
    for (const held of [...this.parked.keys()]) this.unpark(held)
  }

  /** Sees to a job that failed: it waits here, or in the queue for delayed jobs, or is given up. */
  readonly again = Effect.fnUntraced(function* (
    this: Fate<A, E, B>,
    work: Work<A>,
    cause: Cause.Cause<E>,
    restore: Restore
  ) {
    const { attempts, mostParked, parkMillis, queue, schedule } = this.options
    const { held, history, inHand, payload } = work
    const { attempt, job } = inHand
    const failure = Cause.failureOption(cause)
    const refusal = givenUp(cause)
    const error =
      refusal !== undefined
        ? (refusal.error as E)
        : Option.isSome(failure)
          ? failure.value
          : new HandlerDied({ cause: squash(cause) })
    const text = textOf(error)
    const now = this.inbox.timeOfDay()
    const firstAt = Math.min(work.firstAt ?? now, now)
    const known = this.records.of(held.job.id)?.schedule
    const isOver = refusal !== undefined || (Option.isSome(failure) && !(yield* this.isRetryable(failure.value, job)))
    const record = { attempts: attempt, firstAt, error: text, isOver }
    // Whatever comes next, this attempt is counted.
    this.records.failed(held.job.id, { ...record, schedule: undefined })
    let delay: number | undefined
    if (attempt < attempts && !isOver) {
      const planned = yield* Effect.exit(restore(advance(schedule, attempt, error, firstAt, now, known)))
      if (Exit.isSuccess(planned)) {
        delay = planned.value.delay
        this.records.failed(held.job.id, { ...record, isOver: delay === undefined, schedule: planned.value })
      } else if (Cause.isInterruptedOnly(planned.cause)) {
        this.giveBack(held)
        return
      } else {
        const { cause } = planned
        yield* this.say("schedule died", job, (more) =>
          Effect.logError(`the schedule of the retries died: the job is given up: ${causeText(cause, more)}`)
        )
      }
    }
    yield* this.hook(() => this.options.onFailure({ job, payload, error, attempt, againMillis: delay }), job, restore)
    const failed = `a job failed (attempt ${attempt}): ${text}`
    yield* quietly(Effect.annotateLogs(Effect.logDebug(failed), "job", job.id))
    yield* this.say(`failed ${kindOf(error)}`, job, (more) => Effect.logWarning(`${failed}${more}`))
    if (held.lost !== undefined) return yield* this.lost(held)
    if (delay === undefined) return yield* this.giveUp(held, history, error, "failed", restore)
    const isWaitedFor = delay <= parkMillis && !this.isClosing && this.inbox.isHandingOut && this.canWait(held, delay)
    if (isWaitedFor && this.inbox.park(mostParked)) {
      this.park(held, history, delay)
      this.meters.count("retried")
      return
    }
    const facts = yield* factsOf(this.pool, held.job)
    if (facts === "unknown") this.inbox.lose(held)
    if (facts === "unknown" || held.lost !== undefined) return yield* this.lost(held)
    if (facts !== undefined && delay >= facts.leftMillis) {
      const late = new Error(`${text} (its TTL ends before the next attempt, in ${Math.ceil(delay / 1000)} s)`)
      return yield* this.giveUp(held, history, late, "failed", restore)
    }
    const letter = this.letterOf(held, history, facts)
    const options = copyOptions(held.job, facts, Math.max(1000, delay), this.options.ttlMillis)
    const moved = yield* Effect.exit(
      restore(replaceOrLetGo(this.pool, this.inbox, held, retryQueue(queue), letter, options))
    )
    if (Exit.isFailure(moved)) {
      this.giveBack(held)
    } else if (moved.value) {
      this.records.forget(held.job.id)
      this.meters.count("retried")
    }
  })

  // One that throws says nothing: then the schedule and the attempts decide, as without it.
  private isRetryable(error: E, job: Job.Job): Effect.Effect<boolean> {
    return Effect.catchAllDefect(
      Effect.sync(() => this.options.retryable(error) !== false),
      (defect) =>
        Effect.as(
          this.say("retryable died", job, (more) =>
            Effect.logError(`\`retryable\` died, and the job is tried again: ${causeText(Cause.die(defect), more)}`)
          ),
          true
        )
    )
  }

  /** Sees to a job that is no longer ours. */
  lost({ job, lost }: LeasedJob): Effect.Effect<void> {
    this.meters.count("lost")
    return lost === undefined
      ? Effect.void
      : this.say(`lost ${lost.reason}`, job, (more) => Effect.logWarning(`${lost.message}${more}`))
  }

  private say(kind: string, job: Job.Job, line: Line): Effect.Effect<void> {
    return this.inbox.notices.say(kind, (more) => Effect.annotateLogs(line(more), "job", job.id))
  }

  private canWait(held: LeasedJob, delay: number): boolean {
    return held.isPostponable || this.inbox.now() + delay < held.expiresAt
  }

  private park(held: LeasedJob, history: Letter | undefined, delay: number): void {
    const come = Effect.sync(() => {
      this.parked.delete(held)
      held.onFixed = undefined
      this.inbox.unpark(held)
    })
    const check = Effect.suspend(() => this.inbox.check(held))
    const timer = this.inbox.fork(Effect.zipRight(Time.sleep(delay), Effect.zipRight(check, come)))
    this.parked.set(held, { history, dueAt: this.inbox.now() + delay, timer })
    // Where its next delivery cannot be postponed until then, it waits in the queue.
    held.onFixed = () => {
      if (!this.canWait(held, Math.max(0, (this.parked.get(held)?.dueAt ?? 0) - this.inbox.now()))) this.unpark(held)
    }
  }

  // To the queue for delayed jobs, with its attempts: if it were put back, they would be forgotten.
  private unpark(held: LeasedJob): void {
    const parked = this.parked.get(held)
    if (parked === undefined) return
    this.parked.delete(held)
    interruptLater(parked.timer)
    held.onFixed = undefined
    this.inbox.leavePark()
    if (held.isOurs) this.move(held, parked.history, Math.max(0, parked.dueAt - this.inbox.now()))
  }

  /** Moves a job to the queue of the retries as it is, in a letter that says what is known of it. */
  private move(held: LeasedJob, history: Letter | undefined, delayMillis: number): void {
    const { queue, ttlMillis } = this.options
    const name = retryQueue(queue)
    const moving = Effect.flatMap(factsOf(this.pool, held.job), (facts) => {
      // Somebody acknowledged or deleted it, or its TTL has ended.
      if (facts === "unknown" || held.lost !== undefined) return Effect.void
      const letter = this.letterOf(held, history, facts)
      const options = copyOptions(held.job, facts, delayMillis, ttlMillis)
      return Effect.flatMap(replace(this.pool, this.inbox, held, name, letter, options, whileMoving), (failure) => {
        if (Option.isSome(failure)) return this.unmoved(held, failure.value)
        this.records.forget(held.job.id)
        return Effect.void
      })
    })
    this.inbox.move(held, moving)
  }

  // Back to its queue then, at once: one that has failed by NACK, which counts one failure at least.
  private unmoved(held: LeasedJob, error: unknown): Effect.Effect<void> {
    const { job } = held
    if (JobId.isAtLeastOnce(job.id)) {
      const hasFailed = (this.records.of(job.id)?.attempts ?? 0) > 0
      return Effect.ignore(hasFailed ? this.pool.nackJob(job) : this.pool.enqueueJob(job))
    }
    if (!this.isClosing) this.inbox.keepReady(held)
    return this.inbox.sayUnreturned(held, error, this.isClosing ? "is lost" : "stays here")
  }

  private letterOf(held: LeasedJob, history: Letter | undefined, facts: Facts | undefined): Letter {
    const now = this.inbox.timeOfDay()
    const standing = this.standing(held, history)
    return write({ ...standing, job: held.job, history, firstAt: standing.firstAt ?? now, now, facts })
  }

  /** Gives up a job: a letter about it goes to the dead-letter queue. */
  readonly giveUp = Effect.fnUntraced(function* (
    this: Fate<A, E, B>,
    held: LeasedJob,
    history: Letter | undefined,
    error: unknown,
    reason: Reason,
    restore: Restore
  ) {
    const { letterTtl, queue } = this.options
    if (held.lost !== undefined) return yield* this.lost(held)
    const standing = this.standing(held, history)
    const firstAt = standing.firstAt ?? this.inbox.timeOfDay()
    const account = { ...standing, history, firstAt, error: textOf(error) }
    const buried = yield* Effect.exit(
      restore(bury(this.pool, this.inbox, held, account, reason, deadQueue(queue), letterTtl))
    )
    if (Exit.isFailure(buried)) {
      this.giveBack(held)
      return
    }
    const letter = buried.value
    if (held.lost !== undefined) return yield* this.lost(held)
    if (letter === undefined) return
    this.records.forget(held.job.id)
    this.meters.count("dead")
    yield* this.inbox.notices.say(`dead ${reason}`, (more) =>
      Effect.annotateLogs(
        Effect.logError(`a job was given up (${reason}, ${letter.attempts} attempts): ${letter.error}${more}`),
        "job",
        letter.id
      )
    )
    yield* this.hook(() => this.options.onDeadLetter(letter), held.job, restore)
  })

  private hook(hook: () => Effect.Effect<void>, job: Job.Job, restore: Restore): Effect.Effect<void> {
    return Effect.catchAllCause(restore(Effect.suspend(hook)), (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.void
        : this.say("hook died", job, (more) => Effect.logError("a hook of the worker died", causeText(cause, more)))
    )
  }

  /**
   * Gives back a job, for others to have it at once.
   *
   * By ENQUEUE, which the node counts as one more delivery. To whoever gets the job next, that may be a crash; so a job that was
   * given back often goes in a letter which says that it was not, and so does one whose attempts only this worker knows. ENQUEUE
   * does nothing for a job that is delivered once, so one that was not begun goes in a letter too.
   */
  giveBack(held: LeasedJob): void {
    if (!held.isOurs) return
    this.meters.count("returned")
    const { crashes, queue } = this.options
    const { job } = held
    const history = job.queue === retryQueue(queue) ? Option.getOrUndefined(Either.getRight(fromJob(job))) : undefined
    const seenByOthers = (history?.crashes ?? 0) + job.additionalDeliveries + 1
    const isFresh = (this.records.of(job.id)?.attempts ?? 0) === 0
    if (JobId.isAtLeastOnce(job.id) ? isFresh && seenByOthers <= crashes / 2 : isFresh && held.hasBegun) {
      this.records.returned(job.id)
      this.inbox.putBackLater(held)
    } else {
      this.move(held, history, 0)
    }
  }
}
