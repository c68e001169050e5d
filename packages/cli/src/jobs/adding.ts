/** Adds the jobs of a stream, in batches of which a few are under way at a time. */
import type { AddJobError, AddJobOptions, DisquePool, JobId } from "@disco/core"
import type * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { size } from "../output/format.js"
import type { Line } from "./lines.js"

/** A line that was not sent. */
export class LineTooLong extends Data.TaggedError("LineTooLong")<{ readonly most: number }> {
  override get message(): string {
    return `the line is longer than ${size(this.most)}`
  }
}

/** What became of a body. */
export interface Outcome {
  /** The number of its line. */
  readonly line: number
  readonly result: Either.Either<JobId.JobId, AddJobError | LineTooLong>
}

/** How far the work is. */
export interface Tally {
  readonly added: number
  /** Bodies that were not added. */
  readonly failed: number
  /** Bodies of which it is not known whether they were added. */
  readonly unknown: number
  /** The last line that was sent. */
  readonly last: number
  /** Why the work ended, if it has: all lines were sent, they could not be read, it was interrupted, or too many failed in a row. */
  readonly end: "none" | "all" | "unreadable" | "interrupted" | "failures"
}

export interface Work<E, R, R2> {
  readonly queue: string
  readonly options: AddJobOptions
  readonly lines: Stream.Stream<Line, E, R>
  /** The most bytes of a line. */
  readonly mostBytes: number
  /** Called with what became of some bodies, in their order. The next ones wait meanwhile, once enough are under way. */
  readonly onOutcomes: (outcomes: ReadonlyArray<Outcome>, tally: Tally) => Effect.Effect<void, never, R2>
  /** Called at the end, also after an interruption. */
  readonly report: (tally: Tally) => Effect.Effect<void>
}

const jobsAtATime = 256
const bytesAtATime = 1024 * 1024
const batchesAtATime = 4

/** After so many failures in a row the rest would most likely fail too. */
export const mostFailures = 256

/** How long an interruption waits for answers, in ms. */
const endsWithin = 1500

/** Cuts lines into batches that are small in number and in bytes; a batch has one line at least. */
const batchesOf = (lines: Chunk.Chunk<Line>): ReadonlyArray<ReadonlyArray<Line>> => {
  const batches: Array<Array<Line>> = []
  let bytes = 0
  for (const line of lines) {
    const last = batches.at(-1)
    const length = line.body?.length ?? 0
    bytes += length
    if (last === undefined || last.length === jobsAtATime || bytes > bytesAtATime) {
      batches.push([line])
      bytes = length
    } else {
      last.push(line)
    }
  }
  return batches
}

class Counts implements Tally {
  added = 0
  failed = 0
  answeredUnknown = 0
  last = 0
  end: Tally["end"] = "none"
  inARow = 0
  private sent = 0

  send(batch: ReadonlyArray<Line>): void {
    this.sent += batch.length
    this.last = batch.at(-1)?.number ?? this.last
  }

  answer(outcomes: ReadonlyArray<Outcome>): void {
    for (const { result } of outcomes) {
      if (Either.isRight(result)) {
        this.added += 1
        this.inARow = 0
      } else {
        if (result.left._tag === "OutcomeUnknown") this.answeredUnknown += 1
        else this.failed += 1
        this.inARow += 1
      }
    }
  }

  // What has had no answer by the end is not known either.
  get unknown(): number {
    return this.end === "none" ? this.answeredUnknown : this.sent - this.added - this.failed
  }
}

const add = (
  pool: DisquePool.Service,
  { mostBytes, options, queue }: Pick<Work<never, never, never>, "queue" | "options" | "mostBytes">,
  batch: ReadonlyArray<Line>
): Effect.Effect<ReadonlyArray<Outcome>> => {
  const jobs = batch.flatMap(({ body }) => (body === undefined ? [] : [{ queue, body, options }]))
  return Effect.map(Effect.orDie(pool.addJobs(jobs)), (results) => {
    const answers = results.values()
    return batch.map(({ body, number }): Outcome => {
      const answer = body === undefined ? undefined : answers.next().value
      return { line: number, result: answer ?? Either.left(new LineTooLong({ most: mostBytes })) }
    })
  })
}

/**
 * Adds a job for each line. An interruption ends the reading of lines, waits for what is under way, and reports. After many failures in a
 * row no more lines are read either.
 */
export const adding = <E, R, R2>(pool: DisquePool.Service, work: Work<E, R, R2>): Effect.Effect<Tally, E, R | R2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const counts = new Counts()
      const stop = yield* Deferred.make<void>()
      let failure = Option.none<E>()
      // What is under way is answered before the failure ends the work.
      const read = Stream.catchAll(work.lines, (error) => {
        failure = Option.some(error)
        return Stream.empty
      })
      const run = Stream.chunks(read).pipe(
        Stream.mapConcat(batchesOf),
        // One by one: the end comes between two of them.
        Stream.rechunk(1),
        Stream.takeWhile(() => counts.end === "none"),
        Stream.interruptWhenDeferred(stop),
        Stream.mapEffect(
          (batch) =>
            Effect.suspend(() => {
              counts.send(batch)
              return Effect.tap(add(pool, work, batch), (outcomes) => {
                counts.answer(outcomes)
                if (counts.inARow < mostFailures || counts.end !== "none") return Effect.void
                counts.end = "failures"
                // More lines need not come.
                return Deferred.succeed(stop, undefined)
              })
            }),
          { concurrency: batchesAtATime }
        ),
        Stream.runForEach((outcomes) => work.onOutcomes(outcomes, counts))
      )
      const fiber = yield* Effect.forkDaemon(Effect.interruptible(run))
      const exit = yield* Effect.exit(restore(Fiber.join(fiber)))
      if (Exit.isInterrupted(exit)) {
        yield* Deferred.succeed(stop, undefined)
        const ended = yield* Effect.timeoutOption(
          Effect.interruptible(Effect.disconnect(Fiber.await(fiber))),
          endsWithin
        )
        if (Option.isNone(ended)) yield* Fiber.interruptFork(fiber)
        counts.end = "interrupted"
      } else if (counts.end === "none") {
        counts.end = Option.isSome(failure) ? "unreadable" : "all"
      }
      yield* work.report(counts)
      yield* exit
      return Option.isSome(failure) ? yield* Effect.fail(failure.value) : counts
    })
  )
