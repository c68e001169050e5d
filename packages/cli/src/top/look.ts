/** What is asked of the nodes about the queue or the job that is open. */
import { Cluster, type DisqueCommands, DisquePool, type Job } from "@disco/core"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { JobDetail, QueueDetail } from "./model.js"

/** How many jobs of the head of a queue are shown. */
const headJobs = 20

/** How many jobs are counted on a node. */
const countBudget = 10_000

/** Asks the nodes that the cluster knows, each by itself, and waits for so long. */
const askAll = <A, E extends { readonly message: string }>(
  within: Duration.Duration,
  ask: (commands: DisqueCommands) => Effect.Effect<A, E>
): Effect.Effect<
  ReadonlyArray<{ readonly node: string; readonly answer: Either.Either<A, string> }>,
  never,
  DisquePool
> =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* pool.health
    const ids = new Set<string>()
    const each = nodes.filter(({ address, id = address }) => !ids.has(id) && ids.add(id))
    return yield* Effect.forEach(
      each,
      ({ address }) =>
        ask(pool.on(address)).pipe(
          Effect.mapError(({ message }) => message),
          Effect.timeoutFail({ duration: within, onTimeout: () => "does not answer" }),
          Effect.either,
          Effect.map((answer) => ({ node: address, answer }))
        ),
      { concurrency: "unbounded" }
    )
  })

/** The jobs of the nodes in turn: the first of each, then the second of each. */
const inTurn = (
  heads: ReadonlyArray<{ readonly node: string; readonly jobs: ReadonlyArray<Job.PeekedJob> }>
): QueueDetail["head"] => {
  const ids = new Set<string>()
  return Array.from({ length: headJobs }, (_, i) => i)
    .flatMap((i) =>
      heads.flatMap(({ jobs, node }) => {
        const job = jobs[i]
        if (job === undefined || ids.has(job.id)) return []
        ids.add(job.id)
        return [{ id: job.id, node, body: job.body }]
      })
    )
    .slice(0, headJobs)
}

/** What is known of a queue beside its figures. */
export const queue = (
  name: string,
  counts: Cluster.JobCounts | undefined,
  within: Duration.Duration
): Effect.Effect<QueueDetail, never, DisquePool> =>
  Effect.map(
    askAll(within, (commands) => commands.peek(name, { count: headJobs })),
    (asked) => {
      const failed = asked.flatMap(({ answer, node }) => (Either.isLeft(answer) ? [`${node}: ${answer.left}`] : []))
      const heads = asked.flatMap(({ answer, node }) => (Either.isRight(answer) ? [{ node, jobs: answer.right }] : []))
      return { head: inTurn(heads), counts, trouble: failed.length === 0 ? undefined : failed.join("; ") }
    }
  )

/** How many jobs of a queue there are in each state. */
export const counts = (name: string, within: Duration.Duration) =>
  Cluster.jobCounts(name, { budget: countBudget, within })

/** What the nodes know of a job. */
export const job = (id: string, within: Duration.Duration): Effect.Effect<JobDetail, never, DisquePool> =>
  Effect.gen(function* () {
    const here = yield* Clock.currentTimeMillis
    const asked = yield* askAll(within, (commands) => Effect.zip(commands.server.time, commands.show(id)))
    const nodes = asked.map(({ answer, node }) => ({
      node,
      info: Either.isRight(answer) ? Option.getOrUndefined(answer.right[1]) : undefined,
      error: Either.isLeft(answer) ? answer.left : undefined
    }))
    const times = asked.flatMap(({ answer }) =>
      Either.isRight(answer) ? [Number(answer.right[0].microseconds / 1000n)] : []
    )
    return { nodes, at: times[0] ?? here }
  })
