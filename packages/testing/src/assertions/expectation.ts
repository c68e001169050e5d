/** What a test expects to be added, and the error of a test that does not find it. */
import type { JobQueue } from "@disco/core"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type DiscoTest, type Harness, harness } from "../harness.js"
import { type Added, toAdded } from "./added.js"
import { differences, type Part, show } from "./differences.js"

/**
 * A test that does not find what it expects. The message says what was found, and where it differs.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { assert } from "@effect/vitest"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.String })
 *
 * // The message says what was added instead.
 * const test = Effect.gen(function* () {
 *   const error = yield* Effect.flip(DiscoTest.expectEnqueued(emails))
 *   assert.instanceOf(error, DiscoTest.ExpectationFailed)
 *   assert.strictEqual(error.message, 'no job was added to "emails"')
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ExpectationFailed extends Data.TaggedError("ExpectationFailed")<{ readonly message: string }> {}

/** The place in the test from which a function was called: that is what the reader of the error looks for. */
const placeOf = (called: (...args: never) => unknown): string => {
  const trace = { stack: "" }
  Error.captureStackTrace(trace, called)
  return trace.stack.slice(trace.stack.indexOf("\n"))
}

const failed = (message: string, place: string): ExpectationFailed => {
  const error = new ExpectationFailed({ message })
  error.stack = `${error.name}: ${message}${place}`
  return error
}

/**
 * What a test says of a job. What it does not say may be anything.
 *
 * @since 0.1.0
 * @category options
 */
export interface Expected<A> {
  /** A part of the payload, or a function that says whether it fits. */
  readonly payload?: Part<A> | ((payload: A) => boolean) | undefined
  readonly delay?: Duration.DurationInput | undefined
  readonly retry?: Duration.DurationInput | undefined
  readonly ttl?: Duration.DurationInput | undefined
  readonly replicate?: number | undefined
  readonly maxLen?: number | undefined
}

/**
 * For how long a test waits.
 *
 * @since 0.1.0
 * @category options
 */
export interface Waiting {
  /** How much time passes at most. Default: none; it waits until nothing moves. */
  readonly within?: Duration.DurationInput | undefined
}

const times = ["delay", "retry", "ttl"] as const
const counts = ["replicate", "maxLen"] as const

/** Where a job differs from what is expected. */
const compare = <A>(expected: Expected<A>, added: Added<A>): ReadonlyArray<string> => {
  const found: Array<string> = []
  const { payload } = expected
  if (typeof payload === "function") {
    if (!(payload as (payload: A) => boolean)(added.payload)) found.push(`payload does not fit: ${show(added.payload)}`)
  } else if (payload !== undefined) {
    found.push(...differences(payload, added.payload, "payload"))
  }
  for (const name of times) {
    const wanted = expected[name]
    const given = added[name]
    if (wanted === undefined) continue
    const time = Duration.decode(wanted)
    if (given === undefined || !Duration.equals(given, time)) {
      found.push(
        `${name} is ${given === undefined ? "left to the node" : Duration.format(given)}, expected ${Duration.format(time)}`
      )
    }
  }
  for (const name of counts) {
    const wanted = expected[name]
    if (wanted !== undefined && added[name] !== wanted)
      found.push(`${name} is ${added[name] ?? "not given"}, expected ${wanted}`)
  }
  return found
}

const most = 5

const plural = (count: number): string => (count === 1 ? "1 job was" : `${count} jobs were`)

/** The jobs that come nearest to what was expected. */
const nearest = <A>(found: ReadonlyArray<readonly [Added<A>, ReadonlyArray<string>]>): string => {
  const near = [...found].sort(([, a], [, b]) => a.length - b.length)
  const lines = near
    .slice(0, most)
    .map(
      ([{ at, id }, where]) =>
        `  ${id}, added at ${DateTime.formatIso(at)}:\n${where.map((each) => `    ${each}`).join("\n")}`
    )
  return [...lines, ...(near.length > most ? [`  and ${near.length - most} more`] : [])].join("\n")
}

const describe = (queue: string, waiting: Waiting): string => {
  const within = waiting.within === undefined ? "" : ` within ${Duration.format(Duration.decode(waiting.within))}`
  return `to ${JSON.stringify(queue)}${within}`
}

/** The first job that fits, or all jobs with what differs. */
const search = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  expected: Expected<A>,
  { wire }: Harness
): Effect.Effect<ReadonlyArray<readonly [Added<A>, ReadonlyArray<string>]>, JobQueue.InvalidPayload, R> =>
  Effect.forEach(wire.ledger.of(queue.name), (entry) =>
    Effect.map(toAdded(queue, entry), (added) => [added, compare(expected, added)] as const)
  )

/** Waits until a job fits, and no longer than told. */
const wait = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  { within = 0, ...expected }: Expected<A> & Waiting
): Effect.Effect<ReadonlyArray<readonly [Added<A>, ReadonlyArray<string>]>, JobQueue.InvalidPayload, DiscoTest | R> =>
  Effect.flatMap(harness, (test) =>
    Effect.gen(function* () {
      const { clock, wire } = test
      const end = clock.unsafeCurrentTimeMillis() + Duration.toMillis(within)
      yield* clock.idle
      for (let seen = -1; ; ) {
        const found = yield* search(queue, expected, test)
        const isFound = found.some(([, where]) => where.length === 0)
        if (isFound || clock.unsafeCurrentTimeMillis() >= end) return found
        seen = wire.ledger.of(queue.name).length
        yield* clock.until(
          () => wire.ledger.of(queue.name).length > seen,
          () => end
        )
      }
    })
  )

/**
 * Expects that a job is added to a queue, or was added since the test began; gives the first one that fits. It fails with what was
 * added instead, and where that differs.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String, subject: Schema.String }) })
 *
 * const test = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   yield* emails.add(pool, { to: "ada@example.com", subject: "Welcome" }, { delay: "10 minutes" })
 *   yield* DiscoTest.expectEnqueued(emails, { payload: { to: "ada@example.com" }, delay: "10 minutes" })
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category expectations
 */
export const expectEnqueued = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  expected: Expected<A> & Waiting = {}
): Effect.Effect<Added<A>, ExpectationFailed | JobQueue.InvalidPayload, DiscoTest | R> => {
  const place = placeOf(expectEnqueued)
  return Effect.flatMap(wait(queue, expected), (found) => {
    const first = found.find(([, where]) => where.length === 0)
    if (first !== undefined) return Effect.succeed(first[0])
    const where = describe(queue.name, expected)
    const message =
      found.length === 0
        ? `no job was added ${where}`
        : `no job that fits was added ${where}; ${plural(found.length)} added:\n${nearest(found)}`
    return failed(message, place)
  })
}

/**
 * Expects that no such job was added to a queue since the test began, nor is added within the time given.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * const test = Effect.gen(function* () {
 *   // Not now, and not within the next hour.
 *   yield* DiscoTest.refuteEnqueued(emails, { payload: { to: "ada@example.com" }, within: "1 hour" })
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category expectations
 */
export const refuteEnqueued = <A, I, R>(
  queue: JobQueue.JobQueue<A, I, R>,
  expected: Expected<A> & Waiting = {}
): Effect.Effect<void, ExpectationFailed | JobQueue.InvalidPayload, DiscoTest | R> => {
  const place = placeOf(refuteEnqueued)
  return Effect.flatMap(wait(queue, expected), (found) => {
    const fitting = found.filter(([, where]) => where.length === 0)
    if (fitting.length === 0) return Effect.void
    const lines = fitting
      .slice(0, most)
      .map(([{ at, id, payload }]) => `  ${id}, added at ${DateTime.formatIso(at)}: ${show(payload)}`)
    const where = describe(queue.name, expected)
    return failed(`no such job was to be added ${where}, and ${plural(fitting.length)}:\n${lines.join("\n")}`, place)
  })
}
