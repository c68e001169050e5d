/** Looks at jobs, which cost the nodes more than figures do: each is bounded by a count and by a time. */
import { Cluster, type DisqueCommands, DisquePool, type InvalidArgument } from "@disco/core"
import { JobNodes } from "@disco/core/internal"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { Head, HeadParams, JobRow, JobsPage, JobsParams } from "../api/jobs.js"
import type { JobCounts } from "../api/queues.js"
import { problemsOf } from "./errors.js"
import type { Payloads } from "./payloads.js"

/** How much of a body a list shows, in bytes. */
const shown = 2048
/** How long a look takes at most. */
const within = Duration.seconds(5)
/** The most jobs that are counted on each node. */
const counted = 20_000

/** The jobs that wait in a queue, without taking them (QPEEK on each node). */
export const head = (
  payloads: Payloads,
  { count = 10, from = "oldest", name }: HeadParams
): Effect.Effect<Head, InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const nodes = yield* JobNodes.make(yield* DisquePool)
    const jobs = yield* nodes.ask((commands: DisqueCommands, { address }) =>
      Effect.map(commands.peek(name, { count, from }), (peeked) =>
        peeked.map(({ body, id, queue }) => ({ id, node: address, body: payloads.body(queue, body, shown) }))
      )
    )
    const failures = [...nodes.failures].map(([node, { message }]) => ({ node, message }))
    return { at, jobs: jobs.flat(), failures }
  })

/** How many jobs of a queue are in each state (JSCAN on each node). */
export const counts = (name: string): Effect.Effect<JobCounts, InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const { failures, isComplete, states } = yield* Cluster.jobCounts(name, { budget: counted, within })
    return { at, states, isComplete, failures: problemsOf(failures) }
  })

const millisOf = (time: Duration.Duration | null | undefined): number | null =>
  time === null || time === undefined ? null : Duration.toMillis(time)

const rowOf = (job: Cluster.ClusterJob, payloads: Payloads): JobRow => ({
  id: job.id,
  queue: job.queue,
  state: job.state,
  node: job.node,
  ageMillis: millisOf(job.age),
  nacks: job.nacks,
  additionalDeliveries: job.additionalDeliveries,
  ttlMillis: Duration.toMillis(job.ttl),
  nextRequeueMillis: millisOf(job.nextRequeueWithin),
  copies: job.copies.length,
  body: job.body === null ? null : payloads.body(job.queue ?? "", job.body, shown)
})

/** Jobs of a queue (JSCAN and SHOW). When the time is up, those that were found until then. */
export const jobs = (
  payloads: Payloads,
  { limit = 50, name, state }: JobsParams
): Effect.Effect<JobsPage, InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const found = yield* Ref.make(Chunk.empty<Cluster.ClusterJob>())
    const states = state === undefined ? undefined : [state]
    const end = yield* Cluster.jobs({ queue: name, states, limit, within }).pipe(
      Stream.runForEachChunk((jobs) => Ref.update(found, Chunk.appendAll(jobs))),
      Effect.timeoutOption(within),
      Effect.either
    )
    if (Either.isLeft(end) && end.left._tag === "InvalidArgument") return yield* end.left
    const rows = Chunk.toReadonlyArray(yield* Ref.get(found)).map((job) => rowOf(job, payloads))
    return {
      at,
      jobs: rows,
      isComplete: Either.isRight(end) && Option.isSome(end.right) && rows.length < limit,
      failures: Either.isLeft(end) && end.left._tag === "NotOnEveryNode" ? problemsOf(end.left.failures) : []
    }
  })
