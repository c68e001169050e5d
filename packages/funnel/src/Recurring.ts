/**
 * Recurring jobs: a job is added whenever a cron or a schedule says so.
 *
 * **A tick** is a time at which a job is to be added. Ticks of a `cron`, and of a `schedule` that is a cron, go by the time of day. If
 * the clock is set, that is noticed within an hour, or within a 24th of the wait if that is longer, and no tick comes twice. Ticks of
 * an interval (`Schedule.spaced`, `Schedule.fixed`) go by the time that passes, however the clock is set. A wait may have any length.
 *
 * **A tick is missed** if it comes while the job of an earlier tick is still made or added, if the program comes to it more than a
 * minute late because it was blocked or asleep, or if the clock is set forward past it. `catchUp` says what happens to missed ticks. A
 * tick that the program comes to within a minute, or as soon as it notices that the clock was set, is only late: its job is added, one
 * job for all such ticks. Intervals have no ticks to miss: `Schedule.spaced` counts from when a job was added, and `Schedule.fixed`
 * catches up by itself.
 *
 * **Not remembered**: the program does not know of ticks at which it did not run, and does not catch up on them.
 *
 * @since 0.1.0
 */
import { type AddJobOptions, DisquePool, type InvalidArgument, type JobQueue } from "@disco/core"
import { Notices, OptionReader, Time } from "@disco/core/internal"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { causeText, kindOf, squash, textOf } from "./internal/failure.js"
import { quietly } from "./internal/quietly.js"
import { forkInterruptible } from "./internal/runtime.js"
import { defaultSchedule } from "./outgoing/outbox.js"
import * as calendar from "./recurring/calendar.js"
import { ofCalendar, ofSchedule, type Tick, type Ticks } from "./recurring/ticks.js"

interface Shared<A, E, R> {
  /**
   * The payload of the next job, made at its tick. If this effect fails, dies or interrupts itself, the log says so, and the job is
   * left out.
   */
  readonly payload: Effect.Effect<A, E, R>
  /** How jobs are added: a delay, a retry time, and so on; by default as the queue says. */
  readonly options?: AddJobOptions | undefined
  /**
   * What happens to missed ticks. With `"none"`, the default, they are left out. With `"last"`, one job is added at once for the last
   * of them, however many there were. Any other word fails with `InvalidArgument`.
   */
  readonly catchUp?: "none" | "last" | undefined
}

/**
 * What is added, and when by the calendar.
 *
 * @since 0.1.0
 * @category options
 */
export interface CronOptions<A, E, R> extends Shared<A, E, R> {
  /**
   * When to add a job: `"0 6 * * *"`, 5 fields (minute, hour, day of the month, month, day of the week) or 6, seconds first; or a
   * `Cron`. Where days of the month and of the week are both named, either will do, unless one of the fields begins with `*`. An
   * expression that cannot be read, or a time that never comes (30 February), fails with `InvalidArgument`, which has the
   * expression and the reason.
   *
   * When clocks change, a cron of every hour (`*`) follows the clock on the wall: it comes twice in the hour that comes twice, and not
   * at all in the hour that is left out. A cron of some hours comes once for each time that it names: if the time comes twice, the first
   * time, and if the time is left out, at the first moment after the gap.
   */
  readonly cron: string | Cron.Cron
  /**
   * The time zone of `cron`: a name as `Europe/London`, an offset as `+01:00`, or a `TimeZone`. The default is the time zone of the
   * `Cron`, or else that of the machine. An unknown time zone is refused with `InvalidArgument`.
   */
  readonly timeZone?: string | DateTime.TimeZone | undefined
  readonly schedule?: undefined
}

/**
 * What is added, and when by a schedule.
 *
 * @since 0.1.0
 * @category options
 */
export interface ScheduleOptions<A, E, R> extends Shared<A, E, R> {
  /**
   * When to add a job: `Schedule.spaced("1 hour")`. The first job waits for its time too. The schedule is asked for the first time at
   * once. If it dies, as `Schedule.cron("61 * * * *")` does, the call fails with an `InvalidArgument` that has the reason. When the
   * schedule ends, no more jobs are added, and the log says so.
   *
   * For crons there is `cron`. `Schedule.cron` of effect 3.22 leaves out the hour that comes twice when clocks go back. Without a time
   * zone, it keeps the offset that the machine had at first. If somebody sets the clock back by years, it waits for years.
   */
  readonly schedule: Schedule.Schedule<unknown, unknown, R>
  readonly cron?: undefined
  readonly timeZone?: undefined
}

/**
 * What is added, and when: by a `cron` or by a `schedule`, one of the two.
 *
 * @since 0.1.0
 * @category options
 */
export type RecurringOptions<A, E, R> = CronOptions<A, E, R> | ScheduleOptions<A, E, R>

const subject = "Recurring"

const minute = 60_000
const hour = 60 * minute

// A timer that is late by less than this has missed nothing.
const lateness = minute

// A schedule that takes longer than this to name its first time is not waited for.
const firstWithin = 1000

/** How long to wait until the time of day is looked at again. */
const slice = (left: number): number => Math.min(left, Math.max(minute, left / 24, Math.min(hour, left / 2)))

const readZone = (zone: string): Option.Option<DateTime.TimeZone> =>
  // The first of them takes what begins as GMT for an offset.
  Option.orElse(DateTime.zoneFromString(zone), () => DateTime.zoneMakeNamed(zone))

const zoneOf = (
  given: string | DateTime.TimeZone | undefined,
  cron: Cron.Cron
): Either.Either<DateTime.TimeZone, InvalidArgument> => {
  if (given === undefined) return Either.right(Option.getOrElse(cron.tz, DateTime.zoneMakeLocal))
  if (DateTime.isTimeZone(given)) return Either.right(given)
  const read = typeof given === "string" ? readZone(given) : Option.none()
  return Option.isSome(read)
    ? Either.right(read.value)
    : OptionReader.refuse(subject, "timeZone", given, "a time zone: its name, or an offset as +01:00")
}

/** Why a cron is none: what is wrong, and with which part of it. */
const reasonOf = (error: unknown): string =>
  Cron.isParseError(error) && error.input !== undefined
    ? `${error.message}: ${JSON.stringify(error.input)}`
    : textOf(error)

const cronOf = (given: string | Cron.Cron): Either.Either<Cron.Cron, InvalidArgument> => {
  if (Cron.isCron(given)) return Either.right(given)
  if (typeof given !== "string") return OptionReader.refuse(subject, "cron", given, "an expression or a Cron")
  return Either.orElse(Cron.parse(given), (error) =>
    OptionReader.refuse(subject, "cron", given, `a cron expression (${reasonOf(error)})`)
  )
}

interface Begun<R> {
  readonly ticks: Ticks<R>
  /** The first tick; `Option.none()` if no tick comes. */
  readonly first: Effect.Effect<Option.Option<Tick>, never, R>
}

const beginCron = (
  given: string | Cron.Cron,
  timeZone: string | DateTime.TimeZone | undefined,
  now: number
): Effect.Effect<Begun<never>, InvalidArgument> =>
  Effect.gen(function* () {
    const cron = yield* cronOf(given)
    const ticks = ofCalendar(calendar.make(cron, yield* zoneOf(timeZone, cron)))
    const first = ticks.next(now, undefined)
    return Option.isSome(yield* first)
      ? { ticks, first }
      : yield* OptionReader.refuseText(
          subject,
          "cron",
          textOf(given),
          "a time that comes (this one does not within 400 years)"
        )
  })

const beginSchedule = <R>(
  schedule: Schedule.Schedule<unknown, unknown, R>,
  now: number
): Effect.Effect<Begun<R>, InvalidArgument, R> =>
  Effect.gen(function* () {
    if (!Schedule.isSchedule(schedule)) return yield* OptionReader.refuse(subject, "schedule", schedule, "a Schedule")
    const ticks = ofSchedule(schedule, yield* Effect.clock)
    const first = ticks.next(now, undefined)
    const asked = yield* Effect.exit(Time.timeoutOption(first, firstWithin))
    if (Exit.isFailure(asked)) {
      const expected = `one that names its first time (${reasonOf(squash(asked.cause))})`
      return yield* OptionReader.refuseText(subject, "schedule", "one that dies", expected)
    }
    return { ticks, first: Option.match(asked.value, { onNone: () => first, onSome: Effect.succeed }) }
  })

// Types keep the two apart, which not all programs have.
interface When<R> {
  readonly cron?: string | Cron.Cron | undefined
  readonly timeZone?: string | DateTime.TimeZone | undefined
  readonly schedule?: Schedule.Schedule<unknown, unknown, R> | undefined
}

const beginTicks = <R>(
  { cron, schedule, timeZone }: When<R>,
  now: number
): Effect.Effect<Begun<R>, InvalidArgument, R> => {
  if (schedule === undefined) {
    return cron === undefined
      ? OptionReader.refuse(subject, "schedule", undefined, "a cron or a schedule")
      : beginCron(cron, timeZone, now)
  }
  if (cron !== undefined) return OptionReader.refuseText(subject, "cron", textOf(cron), "none beside a schedule")
  return timeZone === undefined
    ? beginSchedule(schedule, now)
    : OptionReader.refuseText(subject, "timeZone", textOf(timeZone), "none beside a schedule: it goes with cron")
}

/** Runs an effect of a user's in a fiber of its own: nothing that it does to its fiber, interruption included, is done to this one. */
const apart = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  Effect.uninterruptibleMask((restore) =>
    // A fiber that fails hands its cause to the logger, which may have no stomach for it.
    Effect.flatMap(Effect.fork(restore(Effect.exit(effect))), (fiber) =>
      Effect.map(
        Effect.onInterrupt(restore(Fiber.await(fiber)), () => Fiber.interrupt(fiber)),
        Exit.flatten
      )
    )
  )

/** Checks the options, and gives what adds the jobs. */
const begin = <A, I, RQ, E, R>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  options: RecurringOptions<A, E, R>
): Effect.Effect<Effect.Effect<void, never, R | RQ>, InvalidArgument, DisquePool | R> =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* OptionReader.record(subject, "options", options)
    yield* OptionReader.ofJobs(subject, "options", options.options)
    if (!Effect.isEffect(options.payload)) {
      yield* OptionReader.refuse(subject, "payload", options.payload, "an Effect that gives the payload")
    }
    const clock = yield* Effect.clock
    const timeOfDay = () => clock.unsafeCurrentTimeMillis()
    const makesUp =
      (yield* OptionReader.word(subject, "catchUp", options.catchUp ?? "none", ["none", "last"])) === "last"
    const now = timeOfDay()
    const { first, ticks } = yield* beginTicks(options, now)

    const notices = new Notices(clock, forkInterruptible(yield* Effect.runtime<never>()))
    const say = (log: Effect.Effect<void>) => quietly(Effect.annotateLogs(log, "queue", queue.name))

    const addOne = Effect.flatMap(options.payload, (payload) =>
      Effect.retry(Effect.withClock(queue.add(pool, payload, options.options), clock), {
        while: (error) => error.isRetryable,
        schedule: defaultSchedule
      }).pipe(Effect.withClock(Time.clockOfAttempts(clock)))
    )
    const add = Effect.flatMap(apart(addOne), (exit) =>
      Exit.isSuccess(exit)
        ? Effect.succeed(exit.value)
        : Effect.as(
            notices.say(kindOf(squash(exit.cause)), (more) =>
              say(Effect.logError(`a recurring job could not be added: ${causeText(exit.cause, more)}`))
            ),
            undefined
          )
    )

    const go = Effect.gen(function* () {
      // The ticks until this time of day have been seen to.
      let after = now
      // The time of day when it was last looked at.
      let last = now
      // How late a tick may be that is not missed.
      let patience = lateness

      const until = Effect.fnUntraced(function* (tick: number) {
        let due = tick
        for (;;) {
          const now = timeOfDay()
          if (now < last) {
            after = Math.min(after, now)
            due = ticks.setBack(due, now)
          }
          last = now
          if (now >= due) return { due, now }
          const wait = slice(due - now)
          const since = Time.monotonicMillis(clock)
          yield* Time.sleep(wait)
          const setForward = timeOfDay() - now - (Time.monotonicMillis(clock) - since)
          // The tick may have come at any time since the clock was set, which may have been when the wait began.
          patience = lateness + Math.max(0, Math.min(wait, setForward))
        }
      })

      let tick = yield* first
      while (Option.isSome(tick)) {
        let added: unknown
        if (tick.value._tag === "After") {
          yield* Time.sleep(tick.value.millis)
          patience = 0
          added = yield* add
          after = timeOfDay()
        } else {
          const { due, now } = yield* until(tick.value.at)
          const mayBeLate = patience === 0 ? 0 : Math.max(patience, tick.value.lasts)
          const isMissed = now - due > mayBeLate
          if (isMissed && !makesUp) {
            after = now - mayBeLate
          } else {
            ticks.see(after, now)
            after = now
            patience = 0
            added = yield* add
          }
        }
        tick = yield* ticks.next(after, added)
      }
      yield* say(Effect.logInfo("the schedule has ended: no more jobs are added"))
    })
    return Effect.tapErrorCause(go, (cause) =>
      say(Effect.logError(`no more recurring jobs are added: ${causeText(cause)}`))
    ).pipe(Effect.ensuring(notices.end))
  })

/**
 * Adds jobs to a queue until it is interrupted, or until the schedule ends.
 *
 * If no job could ever be added, this fails with `InvalidArgument` at once: see `RecurringOptions`. A schedule that dies later is a
 * defect, which the log says too. If the payload of one job fails, or the job cannot be added for a minute, the log says so, and the
 * job is left out.
 *
 * Each process that runs this adds jobs of its own: three processes add three jobs for each time. Run it in one process, or let the
 * handler see that the work is done already.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Recurring } from "@disco/funnel"
 * import { DateTime, Effect, Schema } from "effect"
 *
 * const reports = JobQueue.make("reports", { payload: Schema.Struct({ day: Schema.String }) })
 *
 * const everyMorning = Recurring.run(reports, {
 *   cron: "0 6 * * *",
 *   timeZone: "Europe/London",
 *   payload: Effect.map(DateTime.now, (now) => ({ day: DateTime.formatIsoDateUtc(now) })),
 *   catchUp: "last"
 * })
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, I, RQ, E, R>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  options: RecurringOptions<A, E, R>
): Effect.Effect<void, InvalidArgument, DisquePool | R | RQ> => Effect.flatten(begin(queue, options))

/**
 * The same as a layer: jobs are added from when it is built until its scope closes. Building it fails where `run` fails at once.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Recurring } from "@disco/funnel"
 * import { NodeDisque } from "@disco/node"
 * import { NodeRuntime } from "@effect/platform-node"
 * import { Effect, Layer, Schedule, Schema } from "effect"
 *
 * const checks = JobQueue.make("checks", { payload: Schema.Struct({ url: Schema.String }) })
 *
 * const program = Recurring.layer(checks, {
 *   schedule: Schedule.spaced("5 minutes"),
 *   payload: Effect.succeed({ url: "https://example.com" })
 * }).pipe(Layer.provide(NodeDisque.layerPoolConfig()))
 *
 * NodeRuntime.runMain(Layer.launch(program))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <A, I, RQ, E, R>(
  queue: JobQueue.JobQueue<A, I, RQ>,
  options: RecurringOptions<A, E, R>
): Layer.Layer<never, InvalidArgument, DisquePool | R | RQ> =>
  Layer.scopedDiscard(
    Effect.flatMap(Effect.interruptible(begin(queue, options)), (adding) =>
      // Why it ended is in the log already.
      Effect.forkScoped(Effect.interruptible(Effect.exit(adding)))
    )
  )
