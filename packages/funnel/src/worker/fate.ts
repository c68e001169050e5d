/** What becomes of jobs that are not simply done: they are tried again, given up, or given back. */
import { type DisquePool, JobId, Time } from "@disco/core"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type { Held } from "../incoming/held.js"
import type { Inbox } from "../incoming/inbox.js"
import { causeText, kindOf, squash, textOf } from "../internal/failure.js"
import { quietly } from "../internal/quietly.js"
import type { Restore } from "../internal/restore.js"
import { advance, type Progress } from "./backoff.js"
import { bury, copyOptions, factsOf, replace } from "./bury.js"
import { deadQueue, fromJob, type Letter, millis, type Reason, retryQueue, write } from "./letter.js"
import type { Meters } from "./meters.js"
import { Records } from "./records.js"
import { type CrewOptions, HandlerDied, type Work } from "./work.js"

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
}

export class Fate<A, E, B> {
  readonly records = new Records()
  private readonly pool: Pool
  private readonly inbox: Inbox
  private readonly options: CrewOptions<A, E, B>
  private readonly meters: Meters
  private readonly parked = new Map<Held, Parked>()
  private isClosing = false

  constructor(pool: Pool, inbox: Inbox, options: CrewOptions<A, E, B>, meters: Meters) {
    this.pool = pool
    this.inbox = inbox
    this.options = options
    this.meters = meters
  }

  /** What the node, a letter and this worker know of a job. What the node counts is corrected by what is known here. */
  standing({ job }: Held, history: Letter | undefined): Standing {
    const record = this.records.of(job.id)
    const counted = (history?.attempts ?? 0) + job.nacks
    const crashes = (history?.crashes ?? 0) + Math.max(0, job.additionalDeliveries - (record?.returns ?? 0))
    const wasTried = history !== undefined && history.attempts > 0
    return {
      attempts: Math.max(counted, record?.attempts ?? 0),
      crashes,
      firstAt: record?.firstAt ?? (wasTried ? millis(history.firstAt) : undefined),
      error: record?.error ?? history?.error
    }
  }

  get isClosed(): boolean {
    return this.isClosing
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
    const { attempts, mostParked, parkMillis, schedule } = this.options
    const { held, history, inHand, payload } = work
    const { attempt, job } = inHand
    const failure = Cause.failureOption(cause)
    const error = Option.isSome(failure) ? failure.value : new HandlerDied({ cause: squash(cause) })
    const text = textOf(error)
    const now = this.inbox.timeOfDay()
    const firstAt = Math.min(work.firstAt ?? now, now)
    const known = this.records.of(held.job.id)?.schedule as Progress | undefined
    // Whatever comes next, this attempt is counted.
    this.records.failed(held.job.id, { attempts: attempt, firstAt, error: text, schedule: undefined })
    let delay: number | undefined
    if (attempt < attempts) {
      const planned = yield* Effect.exit(restore(advance(schedule, attempt, error, firstAt, now, known)))
      if (Exit.isSuccess(planned)) {
        delay = planned.value.delay
        this.records.failed(held.job.id, { attempts: attempt, firstAt, error: text, schedule: planned.value })
      } else if (Cause.isInterruptedOnly(planned.cause)) {
        this.giveBack(held, true)
        return
      } else {
        yield* quietly(
          Effect.logError(`the schedule of the retries died: the job is given up: ${causeText(planned.cause)}`)
        )
      }
    }
    yield* this.hook(() => this.options.onFailure({ job, payload, error, attempt, againMillis: delay }), restore)
    yield* this.inbox.notices.say(`failed ${kindOf(error)}`, (more) =>
      Effect.logWarning(`a job failed (attempt ${attempt}): ${text}${more}`)
    )
    if (delay === undefined) {
      yield* this.giveUp(held, history, error, "failed", restore)
      return
    }
    if (delay <= parkMillis && !this.isClosing && this.canWait(held, delay) && this.inbox.park(mostParked)) {
      this.park(held, history, delay)
      this.meters.count("retried")
      return
    }
    const facts = yield* factsOf(this.pool, held.job)
    if (facts !== undefined && delay >= facts.leftMillis) {
      const late = new Error(`${text} (its TTL ends before the next attempt, in ${Math.ceil(delay / 1000)} s)`)
      yield* this.giveUp(held, history, late, "failed", restore)
      return
    }
    const moved = yield* Effect.exit(restore(this.toRetryQueue(held, history, Math.max(1000, delay))))
    if (Exit.isFailure(moved)) this.giveBack(held, true)
    else if (moved.value) this.meters.count("retried")
  })

  private canWait(held: Held, delay: number): boolean {
    return held.isPostponable || this.inbox.now() + delay < held.expiresAt
  }

  private park(held: Held, history: Letter | undefined, delay: number): void {
    const come = Effect.sync(() => {
      this.parked.delete(held)
      held.onFixed = undefined
      this.inbox.unpark(held)
    })
    const timer = this.inbox.fork(Effect.zipRight(Time.sleep(delay), come))
    this.parked.set(held, { history, dueAt: this.inbox.now() + delay, timer })
    // Where its next delivery cannot be postponed until then, it waits in the queue.
    held.onFixed = () => {
      if (!this.canWait(held, Math.max(0, (this.parked.get(held)?.dueAt ?? 0) - this.inbox.now()))) this.unpark(held)
    }
  }

  // To the queue for delayed jobs, with its attempts: if it were put back, they would be forgotten.
  private unpark(held: Held): void {
    const parked = this.parked.get(held)
    if (parked === undefined) return
    this.parked.delete(held)
    parked.timer.unsafeInterruptAsFork(FiberId.none)
    held.onFixed = undefined
    this.inbox.leavePark()
    if (held.isOurs) this.move(held, parked.history, Math.max(0, parked.dueAt - this.inbox.now()))
  }

  /** Moves a job to the queue of the retries as it is, in a letter that says what is known of it. */
  private move(held: Held, history: Letter | undefined, delayMillis: number): void {
    this.inbox.move(held, Effect.asVoid(this.toRetryQueue(held, history, delayMillis)))
  }

  private toRetryQueue(held: Held, history: Letter | undefined, delayMillis: number): Effect.Effect<boolean> {
    const { queue, ttlMillis } = this.options
    return Effect.flatMap(factsOf(this.pool, held.job), (facts) => {
      const now = this.inbox.timeOfDay()
      const standing = this.standing(held, history)
      const letter = write({ ...standing, job: held.job, history, firstAt: standing.firstAt ?? now, now, facts })
      const options = copyOptions(held.job, facts, delayMillis, ttlMillis)
      return Effect.tap(replace(this.pool, this.inbox, held, retryQueue(queue), letter, options), (isMoved) =>
        Effect.sync(() => {
          if (isMoved) this.records.forget(held.job.id)
        })
      )
    })
  }

  /** Gives up a job: a letter about it goes to the dead-letter queue. */
  readonly giveUp = Effect.fnUntraced(function* (
    this: Fate<A, E, B>,
    held: Held,
    history: Letter | undefined,
    error: unknown,
    reason: Reason,
    restore: Restore
  ) {
    const { letterTtl, queue } = this.options
    const standing = this.standing(held, history)
    const firstAt = standing.firstAt ?? this.inbox.timeOfDay()
    const account = { ...standing, history, firstAt, error: textOf(error) }
    const buried = yield* Effect.exit(
      restore(bury(this.pool, this.inbox, held, account, reason, deadQueue(queue), letterTtl))
    )
    if (Exit.isFailure(buried)) {
      this.giveBack(held, reason === "failed")
      return
    }
    const letter = buried.value
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
    yield* this.hook(() => this.options.onDeadLetter(letter), restore)
  })

  private hook(hook: () => Effect.Effect<void>, restore: Restore): Effect.Effect<void> {
    return Effect.catchAllCause(restore(Effect.suspend(hook)), (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.void
        : quietly(Effect.logError("a hook of the worker died", causeText(cause)))
    )
  }

  /**
   * Gives back a job, for others to have it at once.
   *
   * By ENQUEUE, which the node counts as one more delivery. To whoever gets the job next, that may be a crash; so a job that was
   * given back often goes in a letter which says that it was not, and so does one whose attempts only this worker knows. ENQUEUE
   * does nothing for a job that is delivered once, so one that was not begun goes in a letter too.
   */
  giveBack(held: Held, hasBegun: boolean): void {
    if (!held.isOurs) return
    this.meters.count("returned")
    const { crashes, queue } = this.options
    const { job } = held
    const history = job.queue === retryQueue(queue) ? Option.getOrUndefined(Either.getRight(fromJob(job))) : undefined
    const seenByOthers = (history?.crashes ?? 0) + job.additionalDeliveries + 1
    const isFresh = (this.records.of(job.id)?.attempts ?? 0) === 0
    if (JobId.isAtLeastOnce(job.id) ? isFresh && seenByOthers <= crashes / 2 : hasBegun) {
      this.records.returned(job.id)
      this.inbox.putBackLater(held)
    } else {
      this.move(held, history, 0)
    }
  }
}
