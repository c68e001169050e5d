/**
 * Workers in a process of their own, for Kubernetes, systemd and the like: with endpoints that tell how the process is, and an end that
 * loses no job. Needs `@effect/platform` and `@effect/platform-node`.
 *
 * @since 0.1.0
 */
import { createServer } from "node:http"
import { type ConnectError, ConnectionError, DisquePool, InvalidArgument, NotAuthenticated } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as NodeDisque from "./NodeDisque.js"
import { app, type Phase } from "./probes/probes.js"

/**
 * The options of a process. `E` is the error type of its pool.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<E = never> {
  /** The pool of the workers. Default: `NodeDisque.layerPoolConfig()`, of the nodes that `DISQUE_NODES` names. */
  readonly pool?: Layer.Layer<DisquePool, E> | undefined
  /**
   * The address of this machine that the endpoints are at. Default: `PROBES_HOST` of the environment, or `127.0.0.1`. Kubernetes asks
   * from elsewhere: it needs `0.0.0.0`, or `::` where addresses are those of IPv6. There is no password: see that only those can reach
   * it who may know the names of queues and nodes.
   */
  readonly host?: string | undefined
  /** The port of the endpoints, or 0 for any free one. Default: `PROBES_PORT` of the environment, or 7790. */
  readonly port?: number | undefined
  /**
   * How old the last completed fetch may be before the process is unhealthy. Default: 1 minute. A loop that fetches has an answer
   * twice a second, with or without jobs, while its node answers.
   */
  readonly unhealthyAfter?: Duration.DurationInput | undefined
}

/**
 * The endpoints of a process cannot listen.
 *
 * @see {@link run}
 * @since 0.1.0
 * @category errors
 */
export class CannotListen extends Data.TaggedError("CannotListen")<{
  readonly host: string
  readonly port: number
  /** Why, as Node.js names it: `EADDRINUSE`. */
  readonly code: string
  readonly cause: unknown
}> {
  override get message(): string {
    const { code, host, port } = this
    const other = "choose another one with PROBES_PORT or the option port"
    if (code === "EADDRINUSE") return `the probes cannot listen at port ${port}, which is in use: ${other}`
    if (code === "EACCES") return `the probes may not listen at port ${port}: ${other}`
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      return `the probes cannot listen at ${JSON.stringify(host)}, which is no address of this machine: choose another one with PROBES_HOST or the option host`
    }
    return `the probes cannot listen at port ${port} of ${JSON.stringify(host)} (${code})`
  }
}

/**
 * Why a process does not begin, beside the reasons of its workers.
 *
 * @since 0.1.0
 * @category errors
 */
export type StartError = CannotListen | ConnectError | ConfigError.ConfigError | InvalidArgument

const subject = "WorkerProcess"

const fromEnvironment = {
  host: Config.withDefault(Config.nonEmptyString("PROBES_HOST"), "127.0.0.1"),
  port: Config.withDefault(Config.integer("PROBES_PORT"), 7790)
}

const serve = (
  phase: Phase,
  { boundMillis, host, port }: { readonly host: string; readonly port: number; readonly boundMillis: number }
): Effect.Effect<string, CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const node = createServer()
    const server = yield* Effect.mapError(
      NodeHttpServer.make(() => node, { host, port }),
      ({ cause }) =>
        new CannotListen({
          host,
          port,
          cause,
          code: cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
        })
    )
    // A client that keeps its connection does not hold up the end.
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    // Nobody wants a trace of each probe.
    yield* HttpServer.serveEffect(app(phase, boundMillis)).pipe(
      Effect.provideService(HttpServer.HttpServer, server),
      Effect.withTracerEnabled(false)
    )
    return HttpServer.formatAddress(server.address)
  })

interface Started {
  readonly phase: Phase
  readonly context: Context.Context<DisquePool>
}

/** Opens the endpoints and the pool. */
const start = <E>(options: Options<E> | undefined): Effect.Effect<Started, E | StartError, Scope.Scope> =>
  Effect.gen(function* () {
    const given = yield* OptionReader.all(subject, options)
    const environment = yield* Config.all({
      host: given.host === undefined ? fromEnvironment.host : Config.succeed(given.host),
      port: given.port === undefined ? fromEnvironment.port : Config.succeed(given.port)
    })
    const settings = {
      host: yield* OptionReader.text(subject, "host", environment.host, "an IP address or a host name"),
      port: yield* OptionReader.count(subject, "port", environment.port, 0, 65_535),
      boundMillis: yield* OptionReader.duration(subject, "unhealthyAfter", given.unhealthyAfter ?? "1 minute", 1)
    }
    const phase: Phase = { startedAt: yield* Clock.currentTimeMillis, pool: undefined, isEnding: false }
    // Before anything that may wait: a process that takes long to start is told from one that is dead.
    const address = yield* serve(phase, settings)
    yield* Effect.logInfo(`probes are at ${address}`)
    const pool: Layer.Layer<DisquePool, E | StartError> = given.pool ?? NodeDisque.layerPoolConfig()
    return { phase, context: yield* Layer.build(pool) }
  })

const work = <E>(workers: Layer.Layer<never, E, DisquePool>, { context, phase }: Started): Effect.Effect<never, E> =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.provide(Layer.build(workers), context)
      phase.pool = Context.get(context, DisquePool)
      return yield* Effect.never
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          phase.isEnding = true
        })
      )
    )
  )

/**
 * Runs workers until it is interrupted, or they fail. The endpoints are there from the start to the end:
 *
 * - `/health`, for a probe of liveness: status 200, or 503 once no node has answered a fetch for `unhealthyAfter`. Workers that have as
 *   many jobs as they take fetch nothing, and are healthy. The process has as long for its start. The answer is JSON: `status`
 *   (`healthy` or `unhealthy`), `lastFetchSeconds` (the age of the last completed fetch), and `fetchers`, with the reason of each that fails.
 * - `/ready`, for a probe of readiness: 200 while the workers run and a node takes commands, or 503 with the `reason`.
 * - `/metrics`, for Prometheus: all metrics of Effect in this process, and `disco_last_fetch_age_seconds`. Dots in names are `_`.
 *
 * When it is interrupted, `/ready` answers 503 first. Then the workers close, and have their grace; then the endpoints and the pool.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import * as WorkerProcess from "@disco/node/WorkerProcess"
 * import { NodeRuntime } from "@effect/platform-node"
 * import { Console, Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 * const Emails = Worker.layer(emails, ({ to }) => Console.log(`to ${to}`))
 *
 * // As an effect, for a program that does more than this.
 * const program = WorkerProcess.run(Emails, { port: 8080, unhealthyAfter: "2 minutes" }).pipe(
 *   Effect.tapErrorTag("CannotListen", ({ code, port }) => Effect.logError(`port ${port}: ${code}`))
 * )
 *
 * NodeRuntime.runMain(program)
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const run = <E, E2 = never>(
  workers: Layer.Layer<never, E, DisquePool>,
  options?: Options<E2>
): Effect.Effect<never, E | E2 | StartError> =>
  Effect.scoped(Effect.flatMap(start(options), (started) => work(workers, started)))

// Where an error of these was made says nothing: the message is enough.
const isExpected = (error: unknown): error is Error =>
  [CannotListen, ConnectionError, InvalidArgument, NotAuthenticated].some((each) => error instanceof each)

const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.void
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  return Effect.logError(isExpected(failure) ? failure.message : cause)
}

/**
 * Runs workers as the program of this process: see `run`. SIGTERM and Ctrl-C interrupt it, and the process ends with status 0 once the
 * workers are closed; a second signal ends it at once. If it cannot begin or a worker fails, the log has the reason, and the status is 1.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import * as WorkerProcess from "@disco/node/WorkerProcess"
 * import { Console, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * WorkerProcess.main(Worker.layer(emails, ({ to }) => Console.log(`to ${to}`)))
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const main = <E, E2 = never>(workers: Layer.Layer<never, E, DisquePool>, options?: Options<E2>): void =>
  run(workers, options).pipe(Effect.tapErrorCause(report), NodeRuntime.runMain({ disableErrorReporting: true }))
