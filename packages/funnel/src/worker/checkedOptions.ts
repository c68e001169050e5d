/** The options of a worker, checked and with their defaults. */
import type { InvalidArgument } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Schedule from "effect/Schedule"
import * as check from "../internal/options.js"
import { beforeFirstFailure, nextFailure } from "./backoff.js"
import { defaultLetterTtl } from "./letterSender.js"
import type { BatchOptions, LayerOptions } from "./options.js"

const subject = "Worker"

const defaultTtl: Duration.DurationInput = "7 days"

/** See `WorkerOptions` for what each of them means. */
export interface CheckedOptions {
  readonly concurrency: number
  /** The most jobs of one call of the handler. */
  readonly batchSize: number
  readonly withinMillis: number
  readonly prefetch: number
  readonly prefetchMillis: number
  /** The most jobs of one GETJOB. */
  readonly fetchCount: number
  /** How many jobs may wait in this process for their next attempt. */
  readonly mostParked: number
  readonly parkMillis: number
  readonly attempts: number
  readonly crashes: number
  /** How long jobs of the queue live, if their node does not say. */
  readonly ttlMillis: number
  readonly letterTtl: Duration.Duration
  readonly graceMillis: number
  readonly closeMillis: number
  readonly rate: { readonly limit: number; readonly intervalMillis: number } | undefined
  /** Whether a handler is interrupted when the lease of its job is lost. */
  readonly interruptsLost: boolean
  /** Whether the span of a handler is linked to the span of the producer, rather than below it. */
  readonly linksTraces: boolean
}

/** Checks the options. `queueTtl` is the TTL with which the queue adds jobs. */
export const checkOptions = <A, E, R>(
  options: BatchOptions<A, E, R>,
  queueTtl: Duration.DurationInput | undefined
): Either.Either<CheckedOptions, InvalidArgument> =>
  Either.gen(function* () {
    const given = yield* OptionReader.all(subject, options)
    for (const hook of ["retryable", "onFailure", "onDeadLetter", "onEnd"] as const) {
      yield* OptionReader.callback(subject, hook, (given as LayerOptions & typeof given)[hook], "a function")
    }
    const concurrency = yield* OptionReader.count(subject, "concurrency", given.concurrency ?? 1, 1)
    const limited = given.rateLimit
    if (limited !== undefined) yield* OptionReader.record(subject, "rateLimit", limited)
    if (given.retry !== undefined) yield* OptionReader.schedule(subject, "retry", given.retry)
    const rate =
      limited === undefined
        ? undefined
        : {
            limit: yield* OptionReader.count(subject, "rateLimit.limit", limited.limit, 1),
            intervalMillis: yield* OptionReader.duration(subject, "rateLimit.interval", limited.interval, 1)
          }
    const size = yield* OptionReader.count(subject, "size", given.size ?? 1, 1)
    const batchSize = Math.min(size, rate?.limit ?? size)
    const prefetch = yield* OptionReader.count(
      subject,
      "prefetch",
      given.prefetch ?? Math.max(4, concurrency * batchSize),
      0
    )
    return {
      concurrency,
      batchSize,
      withinMillis: yield* OptionReader.duration(subject, "within", given.within ?? 0, 0),
      prefetch,
      prefetchMillis: yield* check.prefetchMillis(subject, given.prefetchTimeToLive),
      fetchCount: Math.min(128, prefetch + concurrency * batchSize),
      mostParked: concurrency + Math.max(0, prefetch - 64),
      parkMillis: yield* OptionReader.duration(subject, "parkUpTo", given.parkUpTo ?? "10 seconds", 0),
      attempts: yield* OptionReader.count(subject, "attempts", given.attempts ?? 10, 1),
      crashes: yield* OptionReader.count(subject, "crashes", given.crashes ?? 10, 0),
      ttlMillis: yield* OptionReader.duration(subject, "ttl", given.ttl ?? queueTtl ?? defaultTtl, 1000),
      letterTtl: Duration.millis(
        yield* OptionReader.duration(subject, "deadLetterTtl", given.deadLetterTtl ?? defaultLetterTtl, 1000)
      ),
      graceMillis: yield* OptionReader.duration(subject, "grace", given.grace ?? "25 seconds", 0),
      closeMillis: yield* OptionReader.duration(subject, "closeWithin", given.closeWithin ?? "5 seconds", 0),
      rate,
      interruptsLost:
        (yield* OptionReader.word(subject, "onLeaseLost", given.onLeaseLost ?? "interrupt", [
          "interrupt",
          "ignore"
        ])) === "interrupt",
      linksTraces: (yield* OptionReader.word(subject, "traces", given.traces ?? "join", ["join", "link"])) === "link"
    }
  })

// The check walks the schedule, so that it takes at most this many steps.
const mostSteps = 10_000

/** Refuses retries that take longer than a job lives, as far as the schedule says so without a failure. */
export const checkRetriesFit = <E>(
  schedule: Schedule.Schedule<unknown, E>,
  { attempts, ttlMillis }: CheckedOptions
): Effect.Effect<void, InvalidArgument> =>
  Effect.gen(function* () {
    let total = 0
    let progress = beforeFirstFailure(schedule)
    while (progress.failures < Math.min(attempts - 1, mostSteps) && total < ttlMillis) {
      // A schedule that reads the failure may die without one: then the check ends.
      const next = yield* Effect.exit(nextFailure(schedule, progress, undefined as E, total))
      if (Exit.isFailure(next) || next.value.delay === undefined) return
      progress = next.value
      total += next.value.delay
    }
    if (total < ttlMillis) return
    yield* OptionReader.refuseText(
      subject,
      "ttl",
      Duration.format(Duration.millis(ttlMillis)),
      `more than the retries take together (${attempts} attempts), or fewer attempts: a job that is deleted is not tried again`
    )
  })
