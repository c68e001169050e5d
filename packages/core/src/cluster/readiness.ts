/** Whether commands can be done at present. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Hello } from "../commands/server.js"
import { type CommandError, ConnectionError, type InvalidArgument, NodeLeaving } from "../DisqueError.js"
import * as OptionReader from "../internal/optionReader.js"
import * as Time from "../internal/time.js"
import { badPriority } from "./topology.js"
import { allFailed, dialErrors, staggerMillis, tryNodes } from "./tryNodes.js"

/**
 * How long it may take to say whether commands can be done.
 *
 * @since 0.1.0
 * @category options
 */
export interface ReadyOptions {
  /** Default: 1 second. */
  readonly within?: Duration.DurationInput | undefined
}

/**
 * Why commands cannot be done.
 *
 * @since 0.1.0
 * @category errors
 */
export type ReadyError = CommandError | NodeLeaving | InvalidArgument

/** What the readiness needs. */
interface Needs {
  readonly cluster: { readonly node: string; readonly nodesToAsk: ReadonlyArray<string> }
  readonly links: { readonly isClosing: boolean }
  /** Asks a node for its cluster. */
  readonly hello: (node: string) => Effect.Effect<Hello, CommandError>
}

/** Gives the first node that says that it works. It fails if none says so in time. */
export const readiness =
  ({ cluster, hello, links }: Needs) =>
  (options?: ReadyOptions): Effect.Effect<string, ReadyError> => {
    // A node refuses HELLO for the same states for which it would refuse commands, or tells the state in its answer.
    const works = (node: string): Effect.Effect<string, CommandError | NodeLeaving> =>
      Effect.flatMap(hello(node), ({ id, nodes }) =>
        nodes.some((node) => node.id === id && node.priority >= badPriority)
          ? Effect.fail(new NodeLeaving({ command: "HELLO", node, reply: "it tells that it is leaving" }))
          : Effect.succeed(node)
      )
    const within = Either.flatMap(OptionReader.all("ready", options), ({ within }) =>
      OptionReader.duration("ready", "within", within ?? "1 second", 1)
    )
    return Effect.flatMap(within, (millis) => {
      if (links.isClosing) return Effect.fail(new ConnectionError({ node: cluster.node, reason: "closed" }))
      const failures: Array<CommandError | NodeLeaving> = []
      const nodes = cluster.nodesToAsk
      // However short the time is, each node has a part of it.
      const asked = tryNodes(nodes, failures, works, Math.min(staggerMillis, millis / nodes.length))
      return Effect.matchEffect(Time.timeoutOption(Effect.interruptible(asked), millis), {
        onFailure: () => allFailed(failures),
        onSuccess: Option.match({
          onNone: () => {
            const attempts = dialErrors(failures)
            return Effect.fail(new ConnectionError({ node: nodes.join(", "), reason: "silent", attempts }))
          },
          onSome: (node) => Effect.succeed(node)
        })
      })
    })
  }
