/** Real work through Disque: every file of a folder is a job, and a worker crashes on the way. */
import { DisquePool, type Job, JobQueue } from "@disco/core"
import { Time } from "@disco/core/internal"
import { Funnel } from "@disco/funnel"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { CliError } from "../CliError.js"
import { listFiles } from "./folder.js"
import * as Screen from "./screen.js"
import { isSame, Tally, tally, total } from "./tally.js"

export interface DemoOptions {
  readonly folder: string
  /** Names of folders that are left out. */
  readonly skipped: ReadonlySet<string>
  /** A description of the nodes that the jobs go through. */
  readonly through: string
  readonly screen: Screen.Screen
}

const workers = 4
const crashing = workers + 1
const jobsOfTheCrash = 3
const retrySeconds = 2
const redeliveriesShown = 10
const stalledAfterSeconds = 30

// Ctrl-C ends the demo within 2 seconds.
const closeWithin = "500 millis"
const askWithin = "300 millis"

const { name, names, number, plural } = Screen

/** What happened to the jobs that workers had when they were stopped. */
const whatBecame = (states: ReadonlyArray<"queued" | "done" | "unknown">): string => {
  const count = (state: string) => states.filter((other) => other === state).length
  if (states.length === 0) return "no job was in hand"
  const inHand = `${plural(states.length, "job")} in hand`
  if (count("queued") === states.length) return `${inHand}, ${states.length === 1 ? "" : "all "}given back`
  return [
    `${inHand}: ${count("queued")} given back`,
    ...(count("done") > 0 ? [`${count("done")} done`] : []),
    ...(count("unknown") > 0
      ? [`${count("unknown")} not seen to be: such jobs come back within ${retrySeconds} seconds`]
      : [])
  ].join(", ")
}

export const run = (
  options: DemoOptions
): Effect.Effect<void, CliError, DisquePool | FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const path = yield* Path.Path
    const { screen } = options
    const { files, leftOut } = yield* listFiles(options.folder, options.skipped)
    const read = (file: string) => tally(path.join(options.folder, file))

    yield* screen.line(`${plural(files.length, "file")} in ${name(options.folder)}`)
    if (leftOut.length > 0) {
      yield* screen.line(`  left out, because there is no looking at them: ${names(leftOut)}`)
    }
    yield* screen.line(`one job each, through ${options.through}, to ${workers} workers in one funnel`)
    const walked = new Map<string, Tally>()
    yield* Effect.forEach(files, (file) => Effect.map(read(file), (counted) => walked.set(file, counted)), {
      discard: true
    }).pipe(Effect.onInterrupt(() => screen.line("stopped: no job was added yet")))

    const { nodes } = yield* Effect.mapError(pool.hello, ({ message }) => new CliError({ message }))
    // Two copies survive the death of one node. In a cluster of three, two nodes are left to hold them even then.
    const jobOptions = {
      retry: `${retrySeconds} seconds`,
      ttl: "1 hour",
      replicate: Math.min(2, nodes.length)
    } as const

    // Each run has its own queues, so that runs on one cluster do not take each other's jobs.
    const own = (yield* Random.nextIntBetween(0, 2 ** 32)).toString(16).padStart(8, "0")
    const fileJobs = JobQueue.make(`disco-demo-${own}-files`, {
      payload: Schema.Struct({ file: Schema.String }),
      options: jobOptions
    })
    const results = JobQueue.make(`disco-demo-${own}-results`, {
      payload: Schema.Struct({ file: Schema.String, worker: Schema.Number, delivery: Schema.Number, tally: Tally }),
      options: jobOptions
    })

    const inHand = new Map<number, Job.Job>()
    const done = new Map<string, Tally>()
    let redeliveries = 0

    const work = Effect.gen(function* () {
      const [jobsFunnel, resultsFunnel] = yield* Effect.parallelFinalizers(
        Effect.all([
          Funnel.make({ queues: fileJobs.name, defaults: jobOptions, closeWithin }),
          Funnel.make({ queues: results.name, closeWithin })
        ])
      )
      const clock = yield* Effect.clock
      const started = Time.monotonicMillis(clock)

      const produce = Effect.forEach(
        files,
        (file) =>
          Effect.flatMap(fileJobs.encode({ file }), (body) =>
            Queue.offer(jobsFunnel.outgoing, { queue: fileJobs.name, body })
          ),
        { discard: true }
      )

      // This worker takes jobs and ends like a killed process: nobody gives the jobs back.
      const crash = Effect.gen(function* () {
        const connection = yield* pool.connection
        const taken: Array<Job.Job> = []
        const wanted = Math.min(jobsOfTheCrash, files.length)
        const take = Effect.gen(function* () {
          while (taken.length < wanted) {
            taken.push(...(yield* connection.getJobs(fileJobs.name, { count: wanted - taken.length })))
          }
          return yield* Effect.forEach(taken, (job) => Effect.map(fileJobs.decode(job), ({ file }) => file))
        })
        const crashed = yield* Effect.onInterrupt(take, () =>
          taken.length > 0 ? Effect.ignore(pool.enqueueJob(taken)) : Effect.void
        )
        yield* screen.line(
          `  worker ${crashing} crashes with ${plural(crashed.length, "job")} in its hands: ${names(crashed)}`
        )
        yield* screen.line(`  they come back ${retrySeconds} seconds after they were queued`)
      }).pipe(Effect.scoped)

      let reading = 0
      const handle = (worker: number) => (job: Funnel.FunnelJob) =>
        Effect.gen(function* () {
          inHand.set(worker, job)
          const { file } = yield* fileJobs.decode(job)
          const delivery = 1 + job.nacks + job.additionalDeliveries
          const renew = Effect.schedule(Effect.ignore(pool.working(job)), Schedule.spaced("1 second"))
          reading += 1
          const counted = yield* Effect.ensuring(
            Effect.raceFirst(read(file), Effect.zipRight(renew, Effect.never)),
            Effect.sync(() => {
              reading -= 1
            })
          )
          yield* results.add(pool, { file, worker, delivery, tally: counted })
          inHand.delete(worker)
        })

      const worker = (n: number) => {
        let said = ""
        return Stream.runForEach(jobsFunnel.incoming, handle(n)).pipe(
          Effect.tapError(({ message }) => {
            inHand.delete(n)
            if (message === said) return Effect.void
            said = message
            return screen.line(`  worker ${n} failed, its job goes back: ${message}`)
          }),
          Effect.retry(Schedule.spaced("200 millis"))
        )
      }

      let idleSeconds = 0

      // The demo has stalled if no worker reads a file and no result arrives.
      const stalled = Effect.sync(() => {
        idleSeconds = reading > 0 ? 0 : idleSeconds + 1
        return idleSeconds >= stalledAfterSeconds
      }).pipe(
        Effect.repeat({ schedule: Schedule.spaced("1 second"), until: (isStalled) => isStalled }),
        Effect.zipRight(
          new CliError({ message: `nothing was done for ${stalledAfterSeconds} seconds: jobs do not come back` })
        )
      )

      const collect = resultsFunnel.incoming.pipe(
        Stream.mapEffect((job) => results.decode(job)),
        Stream.runForEachWhile(({ delivery, file, tally, worker }) =>
          Effect.gen(function* () {
            idleSeconds = 0
            if (delivery > 1 && !done.has(file)) {
              redeliveries += 1
              if (redeliveries <= redeliveriesShown) {
                yield* screen.line(`  ${name(file)} came back, and worker ${worker} did it (delivery ${delivery})`)
              } else if (redeliveries === redeliveriesShown + 1) {
                yield* screen.line("  more come back: the table counts them")
              }
            }
            done.set(file, tally)
            screen.progress(done.size, files.length)
            return done.size < files.length
          })
        )
      )

      const others = Effect.all(
        [produce, stalled, Effect.zipRight(crash, Effect.forEach([1, 2, 3, 4], worker, { concurrency: "unbounded" }))],
        { concurrency: "unbounded", discard: true }
      )
      screen.progress(0, files.length)
      yield* Effect.raceFirst(collect, Effect.zipRight(others, Effect.never))
      return Time.monotonicMillis(clock) - started
    }).pipe(Effect.scoped)

    const stopped = Effect.gen(function* () {
      yield* screen.end
      const states = yield* Effect.forEach(
        [...inHand.values()],
        (job) =>
          pool.show(job).pipe(
            Effect.map((info) =>
              Option.match(info, {
                onNone: () => "done" as const,
                onSome: ({ state }) =>
                  state === "queued"
                    ? ("queued" as const)
                    : state === "acked"
                      ? ("done" as const)
                      : ("unknown" as const)
              })
            ),
            Effect.timeout(askWithin),
            Effect.orElseSucceed(() => "unknown" as const)
          ),
        { concurrency: "unbounded" }
      )
      yield* screen.line(`stopped: ${whatBecame(states)}; ${number(done.size)} of ${plural(files.length, "file")} done`)
    })

    const millis = yield* work.pipe(
      Effect.onInterrupt(() => stopped),
      Effect.mapError((error) => (error._tag === "CliError" ? error : new CliError({ message: error.message })))
    )
    yield* screen.end

    // A file that differs between two reads has changed meanwhile, and cannot be compared.
    const differing = files.filter((file) => {
      const [one, other] = [walked.get(file), done.get(file)]
      return one === undefined || other === undefined || !isSame(one, other)
    })
    const changed: Array<string> = []
    for (const file of differing) {
      const [before, now] = [walked.get(file), yield* read(file)]
      if (before !== undefined && isSame(before, now)) continue
      changed.push(file)
      walked.delete(file)
      done.delete(file)
    }

    const expected = total(walked)
    const actual = total(done)
    const rows: ReadonlyArray<ReadonlyArray<string | number>> = [
      ["", "through Disque", "plain walk"],
      ["files", actual.files, expected.files],
      ...(expected.unreadable > 0 ? [["unreadable files", actual.unreadable, expected.unreadable]] : []),
      ["bytes", actual.bytes, expected.bytes],
      ["lines", actual.lines, expected.lines],
      ["words", actual.words, expected.words],
      ["digest", actual.digest.slice(0, 12), expected.digest.slice(0, 12)],
      ["jobs per second", (1000 * files.length) / Math.max(1, millis), ""],
      ["redeliveries", redeliveries, ""]
    ]
    yield* screen.table(rows)
    if (changed.length > 0) {
      yield* screen.line(`changed meanwhile, and left out of the table: ${names(changed)}`)
    }
    if (actual.digest !== expected.digest) {
      const wrong = differing.filter((file) => !changed.includes(file))
      return yield* new CliError({
        message: `the totals differ from those of a plain walk over the folder, in ${names(wrong)}`
      })
    }
    yield* screen.line(
      `every file was done, those of the crashed worker too: the totals are those of a plain walk (${(millis / 1000).toFixed(1)} s)`
    )
  }).pipe(Effect.scoped)
