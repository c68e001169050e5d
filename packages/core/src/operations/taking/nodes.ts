/** The nodes of the cluster, each of which is asked for its jobs by itself. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { CommandError, InvalidArgument } from "../../DisqueError.js"
import { quietly } from "./quietly.js"

/** A command on one node failed: this node is left out, and the others are not. */
export class NodeFailed extends Data.TaggedError("NodeFailed")<{
  readonly node: string
  readonly error: CommandError | InvalidArgument
}> {}

/** The most nodes that are asked at a time. */
const concurrency = 16

export class Nodes {
  readonly failures: Array<NodeFailed> = []
  /** The nodes that have not failed so far. */
  answering: ReadonlyArray<string>

  constructor(addresses: ReadonlyArray<string>) {
    this.answering = addresses
  }

  /** Asks all nodes that have not failed so far, at once or one after the other. */
  each<E, R>(
    ask: (node: string) => Effect.Effect<void, E, R>,
    order: "at once" | "in turn"
  ): Effect.Effect<void, Exclude<E, Extract<E, NodeFailed>>, R> {
    const orLeftOut = (node: string) =>
      Effect.catchIf(
        ask(node),
        (error): error is Extract<E, NodeFailed> => error instanceof NodeFailed,
        (failure) =>
          Effect.sync(() => {
            this.failures.push(failure)
            this.answering = this.answering.filter((other) => other !== node)
          })
      )
    return Effect.suspend(() =>
      Effect.forEach(this.answering, orLeftOut, { concurrency: order === "in turn" ? 1 : concurrency, discard: true })
    )
  }

  /** Logs which nodes were left out. If all of them were, it fails with the error of the first. */
  report(queue: string, nouns: string): Effect.Effect<void, CommandError | InvalidArgument> {
    return Effect.suspend(() => {
      const [first] = this.failures
      if (first !== undefined && this.answering.length === 0) return Effect.fail(first.error)
      return Effect.forEach(
        this.failures,
        ({ error, node }) =>
          quietly(Effect.logWarning(`${nouns} of ${JSON.stringify(queue)} on ${node} are left out: ${error.message}`)),
        { discard: true }
      )
    })
  }
}
