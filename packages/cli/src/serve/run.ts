/** `disco serve`: embedded nodes in the foreground. */
import type { EmbeddedNode } from "@disco/embedded"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import { CliError } from "../CliError.js"
import { endingSignal } from "../ending.js"
import { withOnlyLogger } from "../internal/runtime.js"
import { closeWithin, serveNodes } from "../nodes.js"
import { version } from "../version.js"
import * as log from "./log.js"
import * as plan from "./plan.js"
import * as settings from "./settings.js"

const list = (names: ReadonlyArray<string>): string => names.join(", ")

/** Runs the nodes until all of them were ended by a client. */
const serve = ({ isOpen, nodes: options }: plan.Plan) =>
  Effect.gen(function* () {
    yield* log.notice("start", `disco ${version} starts as process ${process.pid}`, { version, pid: process.pid })
    if (isOpen) {
      yield* log.warning(
        "password missing",
        "no password is set (--insecure): whoever reaches this machine can read and delete all jobs"
      )
    }
    let isReady = false
    yield* Effect.addFinalizer(() => (isReady ? log.notice("end", "all was put away") : Effect.void))
    const ended = yield* Queue.unbounded<EmbeddedNode>()
    const { controlledAt, names, nodes, stop } = yield* serveNodes({
      ...options,
      onShutdown: (node) => void ended.unsafeOffer(node)
    })
    for (const name of names) yield* log.notice("listening", `listening on ${name}`, { address: name })
    if (controlledAt !== undefined) {
      const url = `http://127.0.0.1:${controlledAt}/nodes`
      yield* log.warning("control", `${url} kills and restarts nodes, without a password: for tests alone`, { url })
    }
    yield* Effect.forEach(nodes, (node) => node.loaded, { discard: true }).pipe(
      Effect.mapError((error) => new CliError({ message: error.message }))
    )
    isReady = true
    yield* log.notice(
      "ready",
      nodes.length === 1
        ? `ready: an embedded Disque node listens on ${list(names)} (Ctrl-C ends it)`
        : `ready: embedded Disque nodes of one cluster listen on ${list(names)} (Ctrl-C ends them)`,
      { addresses: names }
    )
    yield* Effect.addFinalizer(() => {
      const signal = endingSignal()
      if (signal === undefined) return Effect.void
      const rest = `no more clients are accepted, and those here have ${closeWithin} ms`
      return Effect.zipRight(stop, log.notice("signal", `${signal}: ${rest}`, { signal }))
    })
    const left = new Set(nodes)
    while (left.size > 0) {
      const node = yield* Queue.take(ended)
      const { address } = node
      yield* log.notice("shutdown", `a client ended the node at ${address} by SHUTDOWN`, { address })
      left.delete(node)
      // The control port may have started one again.
      for (const other of nodes) if (other.state !== "down") left.add(other)
    }
  }).pipe(Effect.scoped)

/** Runs `disco serve` with what its command line gives for each option. */
export const run = (given: settings.CommandLine) =>
  Effect.gen(function* () {
    const read = yield* settings.read(given)
    const made = yield* plan.make(read)
    const { least, logger } = log.make(read["log-format"] ?? "text", read.loglevel ?? "notice")
    yield* serve(made).pipe(Logger.withMinimumLogLevel(least), withOnlyLogger(logger))
  })
