/** The link for a command: to the holder of its job if that can be reached, or else to the node in use. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Command } from "../Command.js"
import { readAddress } from "../cluster/address.js"
import { staggerMillis } from "../cluster/tryNodes.js"
import { ConnectionError } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import type { NodeLinks } from "../links/nodeLinks.js"
import type { WatchedLink } from "../links/watchedLink.js"

/** What the routes need. */
interface Needs {
  readonly cluster: {
    readonly node: string
    readonly hasToMove: boolean
    readonly topology: {
      readonly isCluster: boolean
      has(address: string): boolean
      restMillis(address: string): number
    }
  }
  readonly links: {
    readonly isClosing: boolean
    known(node: string): NodeLinks | undefined
    to(node: string): NodeLinks
  }
  /** Finds a node that can be used. */
  readonly reach: Effect.Effect<NodeLinks, DialError>
  /** Runs an effect apart from the caller, until the client closes. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  /** The most links to a node for commands that wait for copies. */
  readonly replicationLinks: number
}

export class Routes {
  private readonly needs: Needs

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** The node that a command goes to if it can be reached. */
  nodeOf(command: Command<unknown, unknown>): string {
    return this.holderOf(command) ?? this.needs.cluster.node
  }

  /** The address that a text means: a known one, or `host:port`, of which Disque's port may be left out. */
  addressOf(node: unknown): string | undefined {
    const { cluster, links } = this.needs
    return typeof node === "string" && (links.known(node) !== undefined || cluster.topology.has(node))
      ? node
      : readAddress(node)
  }

  /** The link that a command goes over, if that is open. */
  linkNow(command: Command<unknown, unknown>): WatchedLink | undefined {
    const { cluster, links, replicationLinks } = this.needs
    if (links.isClosing) return undefined
    const node = command.holder ?? cluster.node
    if (!cluster.hasToMove || node !== cluster.node) {
      // If a node makes no copies, no command waits, and one link is as good as many.
      const isReplicated = command.waits && replicationLinks > 1 && cluster.topology.isCluster
      const known = links.known(node)
      const link = isReplicated ? known?.replicationNow(replicationLinks) : known?.sharedNow
      if (link !== undefined) return link
    }
    return command.holder === undefined ? undefined : this.dialHolder(command)
  }

  /** The link that a command goes over, dialed if it is not open. */
  link(command: Command<unknown, unknown>): Effect.Effect<WatchedLink, DialError> {
    const { cluster, links, reach } = this.needs
    if (links.isClosing) return Effect.fail(new ConnectionError({ node: cluster.node, reason: "closed" }))
    const anywhere = Effect.flatMap(reach, (node) => node.sharedLink)
    const holder = this.usableHolderOf(command)
    if (holder === undefined) return anywhere
    // Other nodes may know the job too, so that its holder is not waited for for long.
    const { dialingMillis, sharedLink } = links.to(holder)
    const left = Math.max(0, staggerMillis - dialingMillis)
    return Effect.matchEffect(Effect.timeoutOption(Effect.interruptible(sharedLink), left), {
      onFailure: () => anywhere,
      onSuccess: Option.match({ onNone: () => anywhere, onSome: (link) => Effect.succeed(link) })
    })
  }

  /** The shared link to a node, if it is open. */
  linkToNow(node: string): WatchedLink | undefined {
    return this.needs.links.to(node).sharedNow
  }

  /** The shared link to a node, dialed if it is not open. */
  linkTo(node: string): Effect.Effect<WatchedLink, DialError> {
    return this.needs.links.to(node).sharedLink
  }

  // The dial goes on after the command has gone to another node, so that the next command for the holder finds a link.
  private dialHolder(command: Command<unknown, unknown>): WatchedLink | undefined {
    const holder = this.usableHolderOf(command)
    if (holder === undefined) return undefined
    const node = this.needs.links.to(holder)
    if (node.sharedNow === undefined) this.needs.fork(Effect.ignore(node.sharedLink))
    return node.sharedNow
  }

  /** The node that holds the job of a command, if the command names one. */
  private holderOf({ holder }: Command<unknown, unknown>): string | undefined {
    return holder === undefined ? undefined : this.addressOf(holder)
  }

  /** The holder, unless it failed recently. */
  private usableHolderOf(command: Command<unknown, unknown>): string | undefined {
    const { cluster } = this.needs
    const holder = this.holderOf(command)
    const isLeftAlone = holder !== undefined && holder !== cluster.node && cluster.topology.restMillis(holder) > 0
    return isLeftAlone ? undefined : holder
  }
}
