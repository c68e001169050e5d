/** Asking nodes (HELLO) which nodes the cluster has, and which of them work. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Command } from "../Command.js"
import * as Server from "../commands/server.js"
import type { CommandError } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import { allFailed, tryNodes } from "./tryNodes.js"

/** What the discovery needs. */
interface Needs {
  readonly cluster: {
    readonly nodesToAsk: ReadonlyArray<string>
    readonly topology: {
      readonly members: ReadonlyArray<string>
      readonly nodes: ReadonlyArray<{ readonly address: string; readonly id: string | undefined }>
      readonly unidentified: ReadonlyArray<string>
      learn(address: string, hello: Server.Hello): void
      identify(address: string, id: string): void
      failed(address: string): void
      restMillis(address: string): number
    }
  }
  /** Finds a node that can be used. */
  readonly reach: Effect.Effect<unknown, DialError>
  readonly executor: {
    /** Sends a command to a node, without a span. */
    ask<A, E>(node: string, command: Command<A, E>): Effect.Effect<A, E | CommandError>
    executeOn<A, E>(node: string, command: Command<A, E>): Effect.Effect<A, E | CommandError>
  }
}

/** A node that works. */
export interface MemberNode {
  readonly id: string
  /** The address at which the node is dialed. */
  readonly address: string
}

// A seed that does not answer is not waited for longer than this.
const identifyMillis = 1000
// The most seeds that are asked at a time.
const mostAsked = 64

const hello = Either.getOrThrow(Server.hello.make())

export class Discovery {
  private readonly needs: Needs

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** Asks a node for its cluster. */
  readonly ask = (node: string): Effect.Effect<Server.Hello, CommandError> =>
    Effect.map(this.needs.executor.ask(node, hello), (answer) => {
      this.needs.cluster.topology.learn(node, answer)
      return answer
    })

  /** Asks nodes for the cluster until one answers. */
  readonly learn: Effect.Effect<void, CommandError> = Effect.flatMap(
    Effect.suspend(() => this.needs.reach),
    () => {
      const failures: Array<CommandError> = []
      return Effect.matchEffect(tryNodes(this.needs.cluster.nodesToAsk, failures, this.ask), {
        onFailure: () => allFailed(failures),
        onSuccess: () => Effect.void
      })
    }
  )

  /** Finds out which nodes the seeds are. A seed that does not answer for a second is not asked again for a while. */
  readonly identifySeeds: Effect.Effect<void> = Effect.suspend(() => {
    const { cluster, executor } = this.needs
    const { topology } = cluster
    return Effect.forEach(
      topology.unidentified.filter((seed) => topology.restMillis(seed) === 0),
      (seed) =>
        Effect.match(Effect.timeoutOption(executor.executeOn(seed, hello), identifyMillis), {
          onFailure: () => {},
          onSuccess: Option.match({
            onNone: () => topology.failed(seed),
            onSome: ({ id }) => topology.identify(seed, id)
          })
        }),
      { concurrency: mostAsked, discard: true }
    )
  })

  /** The nodes of the cluster that work, as the cluster tells now. */
  readonly nodes: Effect.Effect<ReadonlyArray<MemberNode>, CommandError> = Effect.suspend(() =>
    Effect.map(Effect.zipRight(this.learn, this.identifySeeds), () => {
      const { topology } = this.needs.cluster
      const members = new Set(topology.members)
      return topology.nodes.flatMap(({ address, id }) =>
        id !== undefined && members.has(address) ? [{ id, address }] : []
      )
    })
  )
}
