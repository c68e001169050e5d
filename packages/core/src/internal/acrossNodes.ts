/** Questions to several nodes: to every node of the cluster, or page by page. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { Command } from "../Command.js"
import * as Inspection from "../commands/inspection.js"
import * as Queues from "../commands/queues.js"
import * as Server from "../commands/server.js"
import { type CommandError, type InvalidArgument, ProtocolError } from "../DisqueError.js"
import type { JobInfo, JobRef, PeekedJob } from "../Job.js"
import * as JobId from "../JobId.js"
import * as QueueStats from "../QueueStats.js"
import { type Page, start } from "./page.js"

/** A node that can be talked to. */
export interface Reachable {
  readonly id: string
  /** `host:port`, as it is dialed. */
  readonly address: string
}

/** How commands get to nodes. */
export interface Needs {
  /** Sends a command to the holder of its job, or to the node in use. */
  readonly execute: <A, E>(command: Command<A, E>) => Effect.Effect<A, E | CommandError>
  /** Sends many commands at once, and gives the result of each. */
  readonly executeAll: <A, E>(
    commands: ReadonlyArray<Command<A, E>>
  ) => Effect.Effect<ReadonlyArray<Either.Either<A, E | CommandError>>>
  /** Sends a command to the node at an address. */
  readonly executeOn: <A, E>(node: string, command: Command<A, E>) => Effect.Effect<A, E | CommandError>
  /** The nodes of the cluster, but for those that failed or are leaving. */
  readonly nodes: Effect.Effect<ReadonlyArray<Reachable>, CommandError>
}

type Checked<A, E> = Either.Either<Command<A, E>, InvalidArgument>

/** The most nodes that are asked at a time. */
const concurrency = 16

/** Asks every node in some way, or the node in use if all of them are leaving. */
const onAll = <A, E>(
  { execute, executeOn, nodes }: Needs,
  ask: (execute: Needs["execute"]) => Effect.Effect<A, E | CommandError>
): Effect.Effect<ReadonlyArray<A>, E | CommandError> =>
  Effect.flatMap(nodes, (all) =>
    all.length === 0
      ? Effect.map(ask(execute), (answer) => [answer])
      : Effect.forEach(all, ({ address }) => ask((command) => executeOn(address, command)), { concurrency })
  )

/** Asks every node the same. */
const everywhere = <A, E>(needs: Needs, command: Command<A, E>): Effect.Effect<ReadonlyArray<A>, E | CommandError> =>
  onAll(needs, (execute) => execute(command))

/** The length of a queue on all nodes. */
export const queueLength = (needs: Needs, queue: string): Effect.Effect<number, CommandError | InvalidArgument> =>
  Effect.flatMap(Queues.queueLength.make(queue), (command) =>
    Effect.map(everywhere(needs, command), (lengths) => lengths.reduce((sum, length) => sum + length, 0))
  )

/** The statistics of a queue on all nodes, or on the one in use. */
export const queueStats = (
  needs: Needs,
  asksAllNodes: boolean,
  queue: string
): Effect.Effect<Option.Option<QueueStats.QueueStats>, CommandError | InvalidArgument> =>
  Effect.flatMap(Queues.queueStats.make(queue), (command) =>
    Effect.map(
      asksAllNodes ? everywhere(needs, command) : Effect.map(needs.execute(command), (answer) => [answer]),
      (answers) => {
        const [first, ...others] = answers.flatMap(Option.toArray)
        return first === undefined ? Option.none() : Option.some(QueueStats.merge([first, ...others]))
      }
    )
  )

const time = Either.getOrThrow(Server.time.make())

// How many of the first jobs are looked at: while consumers are busy, the very first may be gone before it is shown.
const looks = [1, 8, 64]

/** For how long the first of the jobs that wait on a node has been there. Its age is by the clock of the node, not by ours. */
const oldestOn = (
  queue: string,
  execute: Needs["execute"],
  [count, ...more]: ReadonlyArray<number>
): Effect.Effect<Option.Option<Duration.Duration>, CommandError | InvalidArgument> => {
  if (count === undefined) return Effect.succeedNone
  return Effect.gen(function* () {
    const waiting = yield* execute(yield* Inspection.peek.make(queue, { count }))
    if (waiting.length === 0) return Option.none()
    const show = (job: PeekedJob) => Effect.flatMap(Inspection.show.make(job.id), execute)
    const shown = yield* Effect.forEach(waiting, show, { concurrency: "unbounded" })
    const first = Option.firstSomeOf(shown.map(Option.filter(({ state }) => state !== "acked")))
    if (Option.isNone(first)) return yield* oldestOn(queue, execute, more)
    const now = (yield* execute(time)).microseconds / 1000n
    return Option.some(Duration.millis(Math.max(0, Number(now - first.value.ctime / 1_000_000n))))
  })
}

/** For how long the oldest job that waits in a queue has been there, on all nodes or on the one in use. */
export const oldestAge = (
  needs: Needs,
  asksAllNodes: boolean,
  queue: string
): Effect.Effect<Option.Option<Duration.Duration>, CommandError | InvalidArgument> =>
  Effect.flatMap(Inspection.peek.make(queue), () =>
    asksAllNodes
      ? Effect.map(
          onAll(needs, (execute) => oldestOn(queue, execute, looks)),
          (answers) => {
            const ages = answers.flatMap(Option.toArray)
            return ages.length === 0 ? Option.none() : Option.some(ages.reduce((a, b) => Duration.max(a, b)))
          }
        )
      : oldestOn(queue, needs.execute, looks)
  )

type Shown = Option.Option<JobInfo>

/** Asks nodes about a job, and gives the first answer that knows it. It says that none knows the job only if all have answered. */
const askAll = (
  { executeOn }: Needs,
  nodes: ReadonlyArray<Reachable>,
  command: Command<Shown, never>
): Effect.Effect<Shown, CommandError> =>
  Effect.flatMap(
    Effect.forEach(nodes, ({ address }) => Effect.either(executeOn(address, command)), { concurrency }),
    (answers) => {
      const known = answers.find((answer) => Either.isRight(answer) && Option.isSome(answer.right))
      return known ?? answers.find(Either.isLeft) ?? Effect.succeedNone
    }
  )

/** Asks the holder of a job if it is known, then the node that took the job, then all others. */
export const show = (needs: Needs, job: JobRef): Effect.Effect<Shown, CommandError | InvalidArgument> =>
  Effect.flatMap(Inspection.show.make(job), (command) => {
    const fromHolder = command.holder === undefined ? Effect.succeedNone : needs.execute(command)
    return Effect.flatMap(fromHolder, (shown) => {
      if (Option.isSome(shown)) return Effect.succeed(shown)
      return Effect.flatMap(needs.nodes, (nodes) => {
        if (nodes.length === 0) return needs.execute(command)
        const origin = JobId.origin(JobId.make(command.wire[1] as string))
        const tookIt = nodes.filter(({ id }) => id.startsWith(origin))
        const others = nodes.filter(({ id }) => !id.startsWith(origin))
        if (tookIt.length === 0 || others.length === 0) return askAll(needs, nodes, command)
        return Effect.flatMap(Effect.either(askAll(needs, tookIt, command)), (answer) => {
          if (Either.isRight(answer) && Option.isSome(answer.right)) return Effect.succeed(answer.right)
          return Effect.flatMap(askAll(needs, others, command), (shown) =>
            Option.isSome(shown) || Either.isRight(answer) ? Effect.succeed(shown) : Effect.fail(answer.left)
          )
        })
      })
    })
  })

/** The nodes that are not the holder of a job, as far as can be told. */
const othersThan = (
  { nodes }: Needs,
  holder: string | undefined
): Effect.Effect<ReadonlyArray<Reachable>, CommandError> =>
  Effect.map(nodes, (all) => all.filter(({ address }) => address !== holder))

/**
 * Settles on other nodes those of the jobs that their holder does not know: it may have been replaced by an empty one, or be
 * gone, and others have copies. A job that the holder knows is settled there, or needs no settling.
 */
export const settleElsewhere = <E>(
  needs: Needs,
  command: (jobs: ReadonlyArray<JobRef>) => Checked<number, E>,
  jobs: ReadonlyArray<JobRef>,
  holder: string | undefined
): Effect.Effect<number, E | CommandError> =>
  Effect.flatMap(othersThan(needs, holder), (others) => {
    if (others.length === 0) return Effect.succeed(0)
    const isUnknown = (job: JobRef): Effect.Effect<boolean, CommandError> => {
      const show = Inspection.show.make(job)
      return Either.isRight(show) ? Effect.map(needs.execute(show.right), Option.isNone) : Effect.succeed(false)
    }
    return Effect.flatMap(Effect.filter(jobs, isUnknown, { concurrency }), (lost) => {
      const ready = lost.length === 0 ? undefined : command(lost)
      if (ready === undefined || Either.isLeft(ready)) return Effect.succeed(0)
      // One holder after the other: on two of them the same job would be queued twice.
      return Effect.reduce(others, 0, (count, { address }) =>
        count >= lost.length
          ? Effect.succeed(count)
          : Effect.match(needs.executeOn(address, ready.right), {
              onFailure: () => count,
              onSuccess: (more) => count + more
            })
      )
    })
  })

/** Asks the other nodes for the lease of a job that its holder does not know. */
export const workingElsewhere = <A, E>(
  needs: Needs,
  command: Command<A, E>,
  error: E
): Effect.Effect<A, E | CommandError> =>
  Effect.flatMap(othersThan(needs, command.holder), (others) =>
    others.reduce<Effect.Effect<A, E | CommandError>>(
      (found, { address }) => Effect.catchAll(found, () => needs.executeOn(address, command)),
      Effect.fail(error)
    )
  ).pipe(Effect.mapError((last) => (Predicate.isTagged(last, "LeaseTooOld") ? last : error)))

/** The position of a scan: one of the nodes, and the cursor there. */
interface Position {
  readonly index: number
  /** The node to ask. If it is undefined, the node that answers is asked for the next page too. */
  readonly node: string | undefined
  readonly cursor: string
}

/** The items of all pages, each of them once. The next page is asked for when it is pulled. */
export const scan = <A, E>(
  { execute, executeOn, nodes }: Needs,
  asksAllNodes: boolean,
  pageAt: (cursor: string) => Checked<Page<A>, E>,
  keyOf: (item: A) => string
): Stream.Stream<A, E | CommandError | InvalidArgument> => {
  const scanAll = (addresses: ReadonlyArray<string | undefined>) => {
    const seen = new Set<string>()
    const isNew = (item: A): boolean => {
      const key = keyOf(item)
      if (seen.has(key)) return false
      seen.add(key)
      return true
    }
    let cursors = new Set<string>()
    const after = (position: Position, page: Page<A>): Option.Option<Position> => {
      if (page.cursor !== start) return Option.some({ ...position, node: page.node, cursor: page.cursor })
      cursors = new Set()
      const index = position.index + 1
      return index < addresses.length ? Option.some({ index, node: addresses[index], cursor: start }) : Option.none()
    }
    /** A node that gives a cursor twice goes round in circles: the scan would never end. */
    const checked = (command: string, page: Page<A>): Effect.Effect<Page<A>, ProtocolError> => {
      if (!cursors.has(page.cursor)) {
        cursors.add(page.cursor)
        return Effect.succeed(page)
      }
      const expected = "a cursor that the scan has not had yet"
      return new ProtocolError({ command, node: page.node, expected, actual: page.cursor })
    }
    const first: Position = { index: 0, node: addresses[0], cursor: start }
    return Stream.paginateChunkEffect(first, (position) =>
      Effect.flatMap(pageAt(position.cursor), (command) =>
        Effect.map(
          Effect.flatMap(position.node === undefined ? execute(command) : executeOn(position.node, command), (page) =>
            checked(command.name, page)
          ),
          (page) => [Chunk.unsafeFromArray(page.items.filter(isNew)), after(position, page)] as const
        )
      )
    )
  }
  return Stream.unwrap(
    asksAllNodes
      ? Effect.map(nodes, (all) => scanAll(all.length === 0 ? [undefined] : all.map(({ address }) => address)))
      : Effect.sync(() => scanAll([undefined]))
  )
}
