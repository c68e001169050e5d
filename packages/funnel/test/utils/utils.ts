import { type AddJobError, DisquePool, type GetJobsError, type Job, type JobId, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { type Duration, Effect, HashMap, Layer, Logger, Schema, TestClock } from "effect"

/** A pool over a node in the process, and the node. */
export const layer = Layer.provideMerge(
  DisquePool.layer(),
  Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer())
)

/** A pool over several nodes of one cluster, and the nodes. */
export const clusterOf = (nodes: number) =>
  Layer.provideMerge(
    DisquePool.layer(),
    Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer({ nodes }))
  )

/** Lets what is under way arrive, without time. */
export const settle = Effect.forEach(Array.from({ length: 60 }), () => Effect.yieldNow(), { discard: true })

/** Lets time pass, and what comes of it arrive. */
export const pass = (duration: Duration.DurationInput) => Effect.zipRight(TestClock.adjust(duration), settle)

/** The same in steps, for what begins anew meanwhile. */
export const passIn = (steps: number, duration: Duration.DurationInput) =>
  Effect.forEach(Array.from({ length: steps }), () => pass(duration), { discard: true })

export interface Line {
  readonly level: string
  readonly text: string
  /** All of the message. */
  readonly whole: string
  readonly annotations: Record<string, unknown>
}

/** A logger, and what it was told. */
export const makeLog = () => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
    lines.push({
      level: logLevel.label,
      text: String(Array.isArray(message) ? message[0] : message),
      whole: Array.isArray(message) ? message.join(" ") : String(message),
      annotations: Object.fromEntries(HashMap.toEntries(annotations))
    })
  })
  return { lines, layer: Logger.replace(Logger.defaultLogger, logger) }
}

/** Runs an effect and gives what it logs. */
export const logged = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<ReadonlyArray<Line>, E, R> => {
  const log = makeLog()
  return Effect.as(Effect.provide(effect, log.layer), log.lines)
}

/** A queue of numbers. */
export const numbers = JobQueue.make("numbers", {
  payload: Schema.Struct({ n: Schema.Number }),
  options: { retry: "1 minute" }
})

export const addAll = (
  count: number
): Effect.Effect<Array<JobId.JobId>, AddJobError | JobQueue.InvalidPayload, DisquePool> =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => numbers.add(pool, { n }))
  )

/** The jobs that are in a queue, as text and nacks, without leaving them there. */
export const left = (queue: string): Effect.Effect<ReadonlyArray<Job.Job>, GetJobsError, DisquePool> =>
  Effect.flatMap(DisquePool, (pool) => pool.getJobs(queue, { count: 1000, timeout: 0 }))

/** How many jobs the node knows, whatever their state: none where all are done. */
export const known = (ids: ReadonlyArray<string>) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.map(
      Effect.forEach(ids, (id) => pool.show(id)),
      (infos) => infos.filter((info) => info._tag === "Some").length
    )
  )
