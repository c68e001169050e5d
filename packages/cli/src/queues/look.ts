/** Looks at queues: once, or for some time to measure their rates. */
import { Cluster, type DisquePool, type InvalidArgument } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CliError } from "../CliError.js"
import { Settings } from "../connection/Settings.js"

/** The queues that fit a pattern, with rates if `sample` is not 0. Fails if no node answers. */
export const look = (
  pattern: string | undefined,
  sample: Duration.Duration
): Effect.Effect<Cluster.QueueSnapshot, CliError | InvalidArgument, DisquePool | Settings> =>
  Effect.gen(function* () {
    const { timeout } = yield* Settings
    const options = { pattern, within: timeout }
    const once = Cluster.queues(options)
    const sampled = Cluster.watch({ ...options, every: sample, budget: 20_000, ages: 1000 }).pipe(
      // Nodes that do not answer need not be asked twice.
      Stream.takeUntil(({ nodes }) => nodes.every(({ error }) => error !== undefined)),
      Stream.take(2),
      Stream.runLast,
      // The stream does not end by itself.
      Effect.map(Option.getOrThrow)
    )
    const found = yield* Duration.toMillis(sample) === 0 ? once : sampled
    const errors = found.nodes.flatMap(({ error }) => (error === undefined ? [] : [error.message]))
    if (errors.length === found.nodes.length) {
      return yield* new CliError({ message: `no node answered: ${errors.join("; ")}` })
    }
    return found
  })
