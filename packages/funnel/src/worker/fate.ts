/** What becomes of jobs that are not simply done: they are tried again, given up, or given back. */
import type { DisquePool } from "@disco/core"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Held } from "../incoming/held.js"
import type { Inbox } from "../incoming/inbox.js"
import type { Restore } from "../internal/restore.js"
import { delayAfter } from "./backoff.js"
import { bury, factsOf, replace } from "./bury.js"
import { type Letter, type Reason, retryQueue, write } from "./letter.js"
import type { Meters } from "./meters.js"
import { type CrewOptions, HandlerDied, type Work } from "./work.js"

type Pool = Context.Tag.Service<typeof DisquePool>

/** What is remembered of a job that waits here for its next attempt. */
export interface Past {
  readonly attempt: number
  readonly firstAt: number
}

export class Fate<A, E, B> {
  private readonly pool: Pool
  private readonly inbox: Inbox
  private readonly options: CrewOptions<A, E, B>
  private readonly meters: Meters
  private readonly parked = new Set<Held>()
  private readonly pasts = new WeakMap<Held, Past>()
  private isClosing = false

  constructor(pool: Pool, inbox: Inbox, options: CrewOptions<A, E, B>, meters: Meters) {
    this.pool = pool
    this.inbox = inbox
    this.options = options
    this.meters = meters
  }

  /** What is remembered of a job from its attempts here. */
  pastOf(held: Held): Past | undefined {
    return this.pasts.get(held)
  }

  /** Lets no more jobs wait here. */
  close(): void {
    this.isClosing = true
  }

  /** Gives back the jobs that wait here. */
  clear(): void {
    for (const held of this.parked) this.giveBack(held)
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
    const error = Option.isSome(failure) ? failure.value : new HandlerDied({ cause: Cause.squash(cause) })
    const now = this.inbox.now()
    const firstAt = work.firstAt ?? now
    const planned =
      attempt >= attempts
        ? Effect.succeedNone
        : Effect.catchAllCause(delayAfter(schedule, attempt, error, firstAt, now), (cause) =>
            Effect.as(
              Effect.logError("the schedule of the retries died: the job is given up", cause),
              Option.none<number>()
            )
          )
    const delay = Option.getOrUndefined(yield* planned)
    yield* this.hook(() => this.options.onFailure({ job, payload, error, attempt, againMillis: delay }), restore)
    yield* this.inbox.notices.say(`failed ${tagOf(error)}`, (more) =>
      Effect.logWarning(`a job failed (attempt ${attempt}): ${textOf(error)}${more}`)
    )
    if (delay === undefined) {
      yield* this.giveUp(held, history, attempt, firstAt, error, "failed", restore)
      return
    }
    if (delay <= parkMillis && !this.isClosing && this.inbox.park(mostParked)) {
      this.pasts.set(held, { attempt, firstAt })
      this.parked.add(held)
      this.inbox.fork(
        Effect.zipRight(
          Effect.sleep(delay),
          Effect.sync(() => {
            this.parked.delete(held)
            this.inbox.unpark(held)
          })
        )
      )
      this.meters.count("retried")
      return
    }
    const facts = yield* factsOf(this.pool, held.job)
    const delaySeconds = Math.max(1, Math.ceil(delay / 1000))
    const leftSeconds = facts === undefined ? undefined : Math.ceil(facts.leftMillis / 1000)
    if (leftSeconds !== undefined && delaySeconds >= leftSeconds) {
      const late = new Error(`${textOf(error)} (its TTL ends before the next attempt, in ${delaySeconds} s)`)
      yield* this.giveUp(held, history, attempt, firstAt, late, "failed", restore)
      return
    }
    const letter = write({ job: held.job, history, attempts: attempt, firstAt, now, error: textOf(error), facts })
    const moved = replace(this.pool, this.inbox, held, retryQueue(queue), letter, {
      delay: `${delaySeconds} seconds`,
      ...(leftSeconds === undefined ? {} : { ttl: `${leftSeconds} seconds` }),
      ...(facts === undefined ? {} : { retry: `${facts.retrySeconds} seconds` })
    })
    const isMoved = yield* Effect.exit(restore(moved))
    if (Exit.isFailure(isMoved)) this.giveBack(held)
    else if (isMoved.value) this.meters.count("retried")
  })

  /** Gives up a job: a letter about it goes to the dead-letter queue. */
  readonly giveUp = Effect.fnUntraced(function* (
    this: Fate<A, E, B>,
    held: Held,
    history: Letter | undefined,
    attempts: number,
    firstAt: number | undefined,
    error: unknown,
    reason: Reason,
    restore: Restore
  ) {
    const account = { history, attempts, firstAt: firstAt ?? this.inbox.now(), error: textOf(error) }
    const buried = yield* Effect.exit(
      restore(bury(this.pool, this.inbox, held, account, reason, this.options.letterTtl))
    )
    if (Exit.isFailure(buried)) {
      this.giveBack(held)
      return
    }
    const letter = buried.value
    if (letter === undefined) return
    this.meters.count("dead")
    yield* this.inbox.notices.say(`dead ${reason}`, (more) =>
      Effect.annotateLogs(
        Effect.logError(`a job was given up (${reason}, ${attempts} attempts): ${letter.error}${more}`),
        "job",
        letter.id
      )
    )
    yield* this.hook(() => this.options.onDeadLetter(letter), restore)
  })

  private hook(hook: () => Effect.Effect<void>, restore: Restore): Effect.Effect<void> {
    return Effect.catchAllCause(restore(Effect.suspend(hook)), (cause) =>
      Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logError("a hook of the worker died", cause)
    )
  }

  /** Puts a job back, for others to have it at once. */
  giveBack(held: Held): void {
    if (held.state !== "held" || held.lost !== undefined) return
    this.meters.count("returned")
    this.inbox.putBackLater(held)
  }
}

/** What went wrong, in words. */
export const textOf = (error: unknown): string => {
  if (error instanceof Error) return error.message === "" ? error.name : error.message
  if (typeof error !== "object" || error === null) return String(error)
  if ("message" in error && typeof error.message === "string") return error.message
  return "_tag" in error && typeof error._tag === "string" ? error._tag : JSON.stringify(error)
}

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : typeof error
