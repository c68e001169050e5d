/** The commands about queues. */
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { withJson } from "../internal/json.js"
import * as page from "../internal/page.js"
import { readSeconds } from "../internal/readers.js"
import { quote } from "../internal/text.js"
import * as Reply from "../Reply.js"

/**
 * QLEN: the number of jobs in one node's queue.
 *
 * @example
 * ```ts
 * import { Commands, DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   const length = yield* disque.execute(yield* Commands.queueLength.make("emails"))
 *   const stats = yield* disque.execute(yield* Commands.queueStats.make("emails"))
 *   const paused = yield* disque.execute(yield* Commands.pause.make("emails", "state"))
 *   // One page. The method `queues` goes through all pages.
 *   const page = yield* disque.execute(yield* Commands.scanQueues.make("0", { minLen: 1 }))
 *   return { length, stats, paused, page }
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const queueLength = Command.define({
  name: "QLEN",
  summary: "Gives the number of jobs in one node's queue: 0 for a queue that the node does not know.",
  syntax: "queue",
  method: "queueLength",
  isIdempotent: true,
  encode: input.checked((queue: string): Command.Call => {
    const name = input.queue("QLEN", queue)
    return { args: [name], queue: name }
  }),
  decode: Reply.integer
})

/**
 * What is paused of a queue.
 *
 * - `none`: jobs come in and go out
 * - `in`: jobs are refused (`QueuePaused`), and retries postponed
 * - `out`: no jobs are delivered
 * - `all`: both
 *
 * @since 0.1.0
 * @category models
 */
export type PauseState = "none" | "in" | "out" | "all"

const pauseStates: ReadonlyArray<PauseState> = ["none", "in", "out", "all"]

const readPause: Reply.Reader<PauseState> = (reply) => {
  const text = Reply.text(reply)
  const state = pauseStates.find((state) => state === text)
  if (state !== undefined) return state
  throw new Reply.Mismatch({ expected: `one of ${pauseStates.join(", ")}`, actual: quote(text) })
}

/**
 * What one node knows of a queue (QSTAT).
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeQueueStats {
  /** The address of the node. */
  readonly node: string
  readonly name: string
  /** The number of jobs that wait. */
  readonly length: number
  /** For how long the node has known the queue, in whole seconds. */
  readonly age: Duration.Duration
  /** The time since a job last came in or went out, in whole seconds. */
  readonly idle: Duration.Duration
  /** The number of clients that wait for a job. */
  readonly blocked: number
  /** Ids of the nodes that jobs came from lately. */
  readonly importFrom: ReadonlyArray<string>
  /** Jobs a second that come from other nodes. */
  readonly importRate: number
  /** The number of jobs that were queued, requeued ones among them, since the node knows the queue. */
  readonly jobsIn: bigint
  /** The number of jobs that were delivered since the node knows the queue. */
  readonly jobsOut: bigint
  readonly pause: PauseState
  /** The fields as they came, those that later versions add among them. */
  readonly fields: ReadonlyMap<string, Reply.Reply>
}

const readStats = (reply: Reply.Reply, node: string): NodeQueueStats => {
  const fields = Reply.record(reply)
  return withJson<NodeQueueStats>({
    node,
    name: Reply.field(fields, "name", Reply.text),
    length: Reply.field(fields, "len", Reply.integer),
    age: Reply.field(fields, "age", readSeconds),
    idle: Reply.field(fields, "idle", readSeconds),
    blocked: Reply.field(fields, "blocked", Reply.integer),
    importFrom: Reply.field(fields, "import-from", Reply.array(Reply.text)),
    importRate: Reply.field(fields, "import-rate", Reply.integer),
    jobsIn: Reply.field(fields, "jobs-in", Reply.int64),
    jobsOut: Reply.field(fields, "jobs-out", Reply.int64),
    pause: Reply.field(fields, "pause", readPause),
    fields
  })
}

/**
 * QSTAT: what a node knows of a queue; `Option.none()` if the node does not know the queue.
 *
 * @see {@link queueLength}
 * @since 0.1.0
 * @category commands
 */
export const queueStats = Command.define({
  name: "QSTAT",
  summary: "Gives what a node knows of a queue.",
  syntax: "queue",
  method: "queueStats",
  isIdempotent: true,
  encode: input.checked((queue: string): Command.Call => {
    const name = input.queue("QSTAT", queue)
    return { args: [name], queue: name }
  }),
  decode: (reply, node): Option.Option<NodeQueueStats> =>
    reply === null ? Option.none() : Option.some(readStats(reply, node))
})

/**
 * Which queues to look for.
 *
 * @since 0.1.0
 * @category options
 */
export interface QueuesOptions {
  /** Queues with this many jobs or more. */
  readonly minLen?: number | undefined
  /** Queues with this many jobs or fewer. */
  readonly maxLen?: number | undefined
  /** Queues that get this many jobs a second from other nodes, or more. */
  readonly importRate?: number | undefined
  /** About how many queues a page has. Default: 100. */
  readonly pageSize?: number | undefined
}

/**
 * QSCAN: a page of the queues that a node knows.
 *
 * @see {@link queueLength}
 * @since 0.1.0
 * @category commands
 */
export const scanQueues = Command.define({
  name: "QSCAN",
  summary: "Gives a page of the names of the queues that a node knows.",
  syntax: "cursor [COUNT n] [MINLEN n] [MAXLEN n] [IMPORTRATE n]",
  method: "queues",
  isIdempotent: true,
  encode: input.checked((cursor: string, given?: QueuesOptions): Command.Call => {
    const options = input.options("QSCAN", given)
    const pageSize = input.count("QSCAN", "pageSize", options.pageSize ?? 100, 1, 1_000_000)
    const args = [page.readCursor("QSCAN", cursor), "COUNT", String(pageSize)]
    const limit = (word: string, argument: string, value: number | undefined) => {
      if (value === undefined) return
      args.push(word, String(input.count("QSCAN", argument, value, 0, Number.MAX_SAFE_INTEGER)))
    }
    limit("MINLEN", "minLen", options.minLen)
    limit("MAXLEN", "maxLen", options.maxLen)
    limit("IMPORTRATE", "importRate", options.importRate)
    return { args }
  }),
  decode: page.readPage(Reply.text)
})

/**
 * What to pause; `state` changes nothing.
 *
 * @since 0.1.0
 * @category options
 */
export type PauseOption = PauseState | "state"

/**
 * PAUSE: pauses a queue on a node, and gives what is paused then. This replaces what was paused before.
 *
 * @see {@link queueLength}
 * @since 0.1.0
 * @category commands
 */
export const pause = Command.define({
  name: "PAUSE",
  summary: "Pauses a queue on a node, or on all nodes. This replaces what was paused before.",
  syntax: "queue none|in|out|all|state [bcast]",
  method: "pause",
  isIdempotent: true,
  encode: input.checked(
    (queue: string, what: PauseOption, given?: { readonly broadcast?: boolean | undefined }): Command.Call => {
      const name = input.queue("PAUSE", queue)
      const word = input.oneOf<PauseOption>("PAUSE", "what to pause", what, [...pauseStates, "state"])
      const options = input.options("PAUSE", given)
      const isBroadcast = input.flag("PAUSE", "broadcast", options.broadcast)
      return { args: isBroadcast ? [name, word, "bcast"] : [name, word], queue: name }
    }
  ),
  decode: readPause
})
