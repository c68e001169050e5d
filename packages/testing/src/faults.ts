/** What goes wrong between programs and nodes. */
import { type PauseState, type RefusalWord, Reply } from "@disco/core"
import type { EmbeddedNode } from "@disco/embedded"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { answering, type DiscoTest, type Harness, harness, tell } from "./harness.js"
import type { Entry } from "./wire/ledger.js"

const entryOf = ({ wire }: Harness, id: string): Effect.Effect<Entry> =>
  Effect.suspend(() => {
    const entry = wire.ledger.find(id)
    return entry === undefined
      ? Effect.dieMessage(`no job ${JSON.stringify(id)} was added in this test`)
      : Effect.succeed(entry)
  })

/** Does something once nothing moves, and waits for what follows from it. */
const atRest = ({ clock }: Harness, fault: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.zipRight(Effect.zipRight(clock.idle, fault), clock.idle)

/** Queues a job again on the first node that has it and does not have it queued. */
const enqueueAgain = (test: Harness, id: string): Effect.Effect<boolean> =>
  Effect.reduce(answering(test), false as boolean, (isDone, { address }) =>
    isDone ? Effect.succeed(true) : Effect.map(tell(test, address, "ENQUEUE", id), (reply) => reply === 1)
  )

// As a node chooses it.
const mostRetry = 300

/** Queues a job that all nodes have forgotten. */
const comeAgain = (test: Harness, entry: Entry): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { body, id, queue, retry, ttl } = entry
    const [node] = answering(test)
    const isQueued =
      node !== undefined &&
      (yield* test.cluster.redeliver(node, {
        id,
        queue,
        body,
        retry: retry ?? Math.max(1, Math.min(mostRetry, Math.floor(ttl / 10))),
        ttl
      }))
    if (!isQueued)
      return yield* Effect.dieMessage(`job ${id} cannot come again: it is delivered at most once (RETRY 0)`)
    test.wire.ledger.revived(entry)
  })

/**
 * Delivers a job once more, as a cluster does that has not heard of its acknowledgement: whatever became of the job, it is in its
 * queue again, with its id and one additional delivery. A job that waits in its queue is delivered again after its delivery.
 *
 * A handler that does harm when it sees a job twice is found by one line.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const payments = JobQueue.make("payments", { payload: Schema.Struct({ order: Schema.Number }) })
 *
 * const test = Effect.gen(function* () {
 *   const charged = new Set<number>()
 *   yield* Worker.make(payments, ({ order }) => Effect.sync(() => charged.add(order)))
 *   const id = yield* payments.add(yield* DisquePool, { order: 1 })
 *   yield* DiscoTest.redeliver(id)
 *   return charged.size
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const redeliver = (id: string): Effect.Effect<void, never, DiscoTest> =>
  Effect.flatMap(harness, (test) =>
    Effect.gen(function* () {
      yield* test.clock.idle
      const entry = yield* entryOf(test, id)
      if (!(yield* enqueueAgain(test, entry.carrier))) {
        const shown = yield* Effect.forEach(answering(test), ({ address }) =>
          tell(test, address, "SHOW", entry.carrier)
        )
        if (shown.every((reply) => reply === null)) yield* comeAgain(test, entry)
        else test.wire.ledger.atDelivery(entry.carrier, () => Effect.runFork(enqueueAgain(test, entry.carrier)))
      }
      yield* test.clock.idle
    })
  )

/**
 * Ends the lease of a job that a consumer has in hand, as if the consumer had been silent for the whole retry time: the job is in
 * its queue again, and no node renews the lease until the job is delivered again. The consumer goes on until it learns that.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const videos = JobQueue.make("videos", { payload: Schema.String })
 *
 * const test = Effect.gen(function* () {
 *   const interrupted: Array<string> = []
 *   yield* Worker.make(videos, (file) =>
 *     Effect.onInterrupt(Effect.sleep("1 hour"), () => Effect.sync(() => interrupted.push(file)))
 *   )
 *   const id = yield* videos.add(yield* DisquePool, "cat.mp4")
 *   yield* DiscoTest.expireLease(id)
 *   // The worker learns it when it renews the lease.
 *   yield* DiscoTest.advance("10 minutes")
 *   return interrupted
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const expireLease = (id: string): Effect.Effect<void, never, DiscoTest> =>
  Effect.flatMap(harness, (test) =>
    Effect.gen(function* () {
      yield* test.clock.idle
      const { carrier, deliveries } = yield* entryOf(test, id)
      if (deliveries === 0) return yield* Effect.dieMessage(`job ${id} is in nobody's hands: it was not delivered yet`)
      test.wire.expire(carrier)
      if (!(yield* enqueueAgain(test, carrier))) {
        return yield* Effect.dieMessage(`job ${id} is in nobody's hands any more`)
      }
      yield* test.clock.idle
    })
  )

/**
 * Breaks all connections of the test at once. Programs make new ones.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   // The pool makes new connections, and the wait for a job goes on over them.
 *   const waiting = yield* Effect.fork(pool.getJob("emails"))
 *   yield* DiscoTest.dropConnections
 *   yield* DiscoTest.advance("1 minute")
 *   yield* pool.addJob("emails", "hello")
 *   return yield* waiting
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const dropConnections: Effect.Effect<void, never, DiscoTest> = Effect.flatMap(harness, (test) =>
  atRest(
    test,
    Effect.sync(() => test.wire.dropAll())
  )
)

/**
 * The next command of this name is done by the node, and the connection breaks before the reply: the program cannot know whether it
 * was done.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function* () {
 *   const pool = yield* DisquePool
 *   yield* DiscoTest.loseReply("ADDJOB")
 *   const error = yield* Effect.flip(pool.addJob("emails", "hello"))
 *   // The job is there, and the program cannot know.
 *   return [error._tag, yield* pool.queueLength("emails")]
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const loseReply = (command: string): Effect.Effect<void, never, DiscoTest> =>
  Effect.map(harness, ({ wire }) => wire.plan({ command: command.toUpperCase(), verdict: "lose the reply", left: 1 }))

/**
 * Which commands are refused.
 *
 * @since 0.1.0
 * @category options
 */
export interface Rejection {
  /** The name of the command. Default: ADDJOB; for `NOJOB` and `TOOLATE`, WORKING. */
  readonly command?: string | undefined
  /** How many commands are refused, 1 or more. Default: 1. */
  readonly times?: number | undefined
}

const texts: Record<RefusalWord, string> = {
  NOREPL: "NOREPL Not enough reachable nodes for the requested replication level",
  MAXLEN: "MAXLEN Queue is already longer than the specified MAXLEN count",
  PAUSED: "PAUSED Queue paused in input, try later",
  OOM: "OOM command not allowed when used memory > 'maxmemory'.",
  LEAVING: "LEAVING This node is leaving the cluster, please connect to a different one",
  LOADING: "LOADING Disque is loading the dataset in memory",
  MISCONF: "MISCONF Errors writing to the AOF file",
  NOAUTH: "NOAUTH Authentication required.",
  NOJOB: "NOJOB Job not known in the context of this node.",
  TOOLATE: "TOOLATE Half of job TTL already elapsed, you are no longer allowed to postpone the next delivery"
}

/**
 * Refuses the next commands with an error of Disque. They do not reach a node.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function* () {
 *   yield* DiscoTest.rejectNext("NOREPL")
 *   const error = yield* Effect.flip((yield* DisquePool).addJob("emails", "hello"))
 *   return error._tag
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const rejectNext = (
  word: RefusalWord,
  { command = word === "NOJOB" || word === "TOOLATE" ? "WORKING" : "ADDJOB", times = 1 }: Rejection = {}
): Effect.Effect<void, never, DiscoTest> =>
  Effect.map(harness, ({ wire }) =>
    wire.plan({ command: command.toUpperCase(), verdict: new Reply.ErrorReply({ text: texts[word] }), left: times })
  )

/**
 * From now on, a command is under way to its node for this long, and so is each reply. 0 ends that.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function* () {
 *   yield* DiscoTest.latency("200 millis")
 *   const [time] = yield* DiscoTest.run(Effect.timed(Effect.flatMap(DisquePool, (pool) => pool.ping)))
 *   return time
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const latency = (each: Duration.DurationInput): Effect.Effect<void, never, DiscoTest> =>
  Effect.map(harness, ({ wire }) => {
    wire.latency = Duration.toMillis(each)
  })

/**
 * Pauses a queue on all nodes: no jobs get in, none get out, or both. `"none"` ends that.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function* () {
 *   yield* DiscoTest.pause("emails", "in")
 *   const error = yield* Effect.flip((yield* DisquePool).addJob("emails", "hello"))
 *   yield* DiscoTest.pause("emails", "none")
 *   return error._tag
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const pause = (queue: string, what: PauseState = "all"): Effect.Effect<void, never, DiscoTest> =>
  Effect.flatMap(harness, (test) =>
    Effect.forEach(answering(test), ({ address }) => tell(test, address, "PAUSE", queue, what), { discard: true })
  )

/** The nodes meant: those given, or the first one. */
const meant = ({ nodes }: DiscoTest.Service, given: ReadonlyArray<EmbeddedNode>): ReadonlyArray<EmbeddedNode> =>
  given.length > 0 ? given : [nodes[0]]

/**
 * Stops nodes where they are, the first one if none is given: they accept commands and do nothing, until `heal`.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.String })
 *
 * // One node hears nothing of the others for a while, and another one hangs. What was added is done all the same.
 * const test = Effect.gen(function* () {
 *   const { nodes } = yield* DiscoTest.DiscoTest
 *   const [first, second = first] = nodes
 *   yield* Worker.make(emails, () => Effect.void)
 *   yield* DiscoTest.partition(first)
 *   yield* emails.add(yield* DisquePool, "ada@example.com", { replicate: 1 })
 *   yield* DiscoTest.freeze(second)
 *   yield* DiscoTest.advance("10 minutes")
 *   yield* DiscoTest.heal
 *   yield* DiscoTest.advance("10 minutes")
 *   return (yield* DiscoTest.acknowledged(emails)).length
 * }).pipe(Effect.provide(DiscoTest.layer({ nodes: 3 })))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const freeze = (...nodes: ReadonlyArray<EmbeddedNode>): Effect.Effect<void, never, DiscoTest> =>
  Effect.flatMap(harness, (test) =>
    atRest(test, Effect.forEach(meant(test, nodes), test.cluster.freeze, { discard: true }))
  )

/**
 * Cuts the links between the nodes given (the first one, if none is) and all others, until `heal`. Programs still reach every node.
 *
 * @see {@link freeze}
 * @since 0.1.0
 * @category faults
 */
export const partition = (...nodes: ReadonlyArray<EmbeddedNode>): Effect.Effect<void, never, DiscoTest> =>
  Effect.flatMap(harness, (test) => Effect.zipRight(test.cluster.isolate(...meant(test, nodes)), test.clock.idle))

/**
 * Ends `partition`, `freeze` and `latency`, and what `rejectNext` and `loseReply` have planned.
 *
 * @see {@link freeze}
 * @since 0.1.0
 * @category faults
 */
export const heal: Effect.Effect<void, never, DiscoTest> = Effect.flatMap(harness, ({ clock, cluster, nodes, wire }) =>
  Effect.gen(function* () {
    wire.heal()
    yield* cluster.heal
    for (const node of nodes) yield* cluster.thaw(node)
    yield* clock.idle
  })
)
