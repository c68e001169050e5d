/** All links of a client: they are dialed, watched, tried when quiet, and closed when they fail or are idle for too long. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { isConnectionError, isUnfit, tagOf } from "../cluster/failures.js"
import { ConnectionError } from "../DisqueError.js"
import type { DialError, DisqueLink } from "../DisqueLink.js"
import * as telemetry from "../internal/telemetry.js"
import { NodeLinks } from "./nodeLinks.js"
import { WatchedLink } from "./watchedLink.js"

/** What the links need. */
interface Needs {
  readonly now: () => number
  readonly dial: (node: string) => Effect.Effect<DisqueLink, DialError>
  /** Runs an effect apart from the caller, until the client closes, and gives what ends it before. */
  readonly fork: (effect: Effect.Effect<unknown>) => () => void
  /** Has `tick` called at the time given. */
  readonly expect: (at: number) => void
  readonly cluster: {
    /** Notes that a node took no link. */
    dialFailed(node: string): void
  }
  /** Notes that a node failed or refuses to work. */
  readonly nodeFailed: (node: string) => void
  /** How many links consumers have use for, even while they are idle for a moment. */
  readonly consuming: () => number
  readonly limits: {
    readonly commandMillis: number
    readonly refreshMillis: number
    readonly idleMillis: number
    readonly maxIdle: number
  }
}

/** Why a link was closed, as it is counted. */
type CloseReason = "surplus" | "expired" | "silent" | "lost"

// A link that was in use so recently is taken to work still.
const freshMillis = 1000

const ping = ["PING"]

export class Links {
  /** How many links were opened, and how many were closed by reason. */
  readonly counts = { created: 0, surplus: 0, expired: 0, silent: 0, lost: 0 }
  private readonly needs: Needs
  private readonly byNode = new Map<string, NodeLinks>()
  private readonly links = new Set<WatchedLink>()
  private isEnding = false

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** Whether the client closes: then no link is dialed, and no command begins. */
  get isClosing(): boolean {
    return this.isEnding
  }

  /** How many links are kept for the next GETJOB. */
  get idle(): number {
    let idle = 0
    for (const node of this.byNode.values()) idle += node.idleCount
    return idle
  }

  /** The links to a node, if it has or had any. */
  known(node: string): NodeLinks | undefined {
    return this.byNode.get(node)
  }

  /** The links to a node. */
  to(node: string): NodeLinks {
    const known = this.byNode.get(node)
    if (known !== undefined) return known
    const made = new NodeLinks(node, {
      now: this.needs.now,
      dial: (node) => this.dial(node),
      fork: this.needs.fork,
      keepIdle: (link) => this.keepIdle(link),
      drop: (links) => {
        this.countClosed("lost", links.length)
        for (const link of links) link.retire()
      },
      isFresh: (link) => this.isFresh(link),
      check: (link, done) => this.check(link, done)
    })
    this.byNode.set(node, made)
    return made
  }

  /** Looks at why a command failed: a password may be wanted, or the node fails. */
  commandFailed(link: WatchedLink, cause: Cause.Cause<unknown>): void {
    if (this.isEnding || link.closedFor === "closed") return
    const failure = Option.getOrUndefined(Cause.failureOption(cause))
    if (tagOf(failure) === "NotAuthenticated") this.to(link.node).renew(link)
    else if (isConnectionError(failure) || isUnfit(failure)) this.needs.nodeFailed(link.node)
  }

  /** Forgets the nodes that are not kept, unless they have links or are being dialed. */
  forget(isKept: (node: string) => boolean): void {
    const linked = new Set<string>()
    for (const link of this.links) if (link.isOpen) linked.add(link.node)
    for (const [node, links] of this.byNode) {
      if (!linked.has(node) && !links.isDialing && !isKept(node)) this.byNode.delete(node)
    }
  }

  /** When `tick` has something to do. */
  get due(): number {
    const { idleMillis, refreshMillis } = this.needs.limits
    let due = Number.POSITIVE_INFINITY
    for (const link of this.links) {
      if (!link.isOpen) continue
      due = Math.min(due, link.deadline)
      if (!link.isLocal) due = Math.min(due, link.quietSince + refreshMillis)
    }
    for (const node of this.byNode.values()) due = Math.min(due, node.idleSince + idleMillis)
    return due
  }

  /** Closes the links that are silent, tries those that are quiet, and closes those that are idle for too long. */
  tick(now: number): void {
    const { commandMillis, idleMillis, refreshMillis } = this.needs.limits
    for (const link of this.links) {
      if (!link.isOpen) continue
      if (link.deadline <= now && !link.expire(now)) {
        this.countClosed("silent", 1)
        link.close("silent")
        // Perhaps nobody waited for the reply any more.
        this.needs.nodeFailed(link.node)
      } else if (!link.isLocal && link.quietSince + refreshMillis <= now) {
        link.send(ping, commandMillis, (outcome) => {
          if (Exit.isFailure(outcome)) this.commandFailed(link, outcome.cause)
        })
      }
    }
    for (const node of this.byNode.values()) this.countClosed("expired", node.closeIdle(now - idleMillis))
    this.sweep()
  }

  /** Opens and keeps no more links. */
  stop(): void {
    this.isEnding = true
  }

  /** Closes all links at once. */
  close(): void {
    for (const link of this.links) link.close("closed")
  }

  private dial(node: string): Effect.Effect<WatchedLink, DialError> {
    return Effect.uninterruptibleMask((restore) => {
      if (this.isEnding) return Effect.fail(new ConnectionError({ node, reason: "closed" }))
      return Effect.matchEffect(restore(this.needs.dial(node)), {
        onFailure: (error) => {
          this.needs.cluster.dialFailed(node)
          return Effect.fail(error)
        },
        onSuccess: (opened) => {
          const link = new WatchedLink(opened, this.needs.now)
          this.sweep()
          this.links.add(link)
          this.counts.created += 1
          telemetry.linkOpened()
          if (this.isEnding) link.close("closed")
          else if (!link.isLocal) this.needs.expect(this.needs.now() + this.needs.limits.refreshMillis)
          return Effect.succeed(link)
        }
      })
    })
  }

  private isFresh(link: WatchedLink): boolean {
    return this.needs.now() - link.idleSince < freshMillis
  }

  private check(link: WatchedLink, done: (failure: ConnectionError | undefined) => void): void {
    if (this.isFresh(link)) {
      done(undefined)
      return
    }
    link.send(ping, this.needs.limits.commandMillis, (outcome) => {
      const failure = Exit.isFailure(outcome) ? Cause.failureOption(outcome.cause) : Option.none()
      done(Option.getOrUndefined(failure))
    })
    this.needs.expect(link.deadline)
  }

  private keepIdle(link: WatchedLink): boolean {
    const { idleMillis, maxIdle } = this.needs.limits
    if (this.isEnding || this.idle >= Math.max(maxIdle, this.needs.consuming())) {
      this.countClosed("surplus", 1)
      link.retire()
      return false
    }
    link.idleSince = this.needs.now()
    this.needs.expect(link.idleSince + idleMillis)
    return true
  }

  private sweep(): void {
    for (const link of this.links) {
      if (link.isOpen) continue
      this.links.delete(link)
      if (link.closedFor === undefined) this.countClosed("lost", 1)
    }
  }

  private countClosed(reason: CloseReason, count: number): void {
    this.counts[reason] += count
    telemetry.linkClosed(reason, count)
  }
}
