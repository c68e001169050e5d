/** Links to one node that block, each for one GETJOB at a time, and are kept for the next one. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ConnectionError } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import { Slot } from "../internal/slot.js"
import type { WatchedLink } from "./watchedLink.js"

/** What the blocking links need. */
interface Needs {
  readonly node: string
  /** How often the node has turned links away. */
  readonly epoch: () => number
  /** Dials apart from the caller. */
  readonly dial: (done: (exit: Exit.Exit<WatchedLink, DialError>) => void) => void
  /** Decides whether a link that has become idle is kept; if not, it is closed. */
  readonly keepIdle: (link: WatchedLink) => boolean
  /** Closes links that are of no more use, once the replies that are due on them have come. */
  readonly drop: (links: ReadonlyArray<WatchedLink>) => void
  /** Whether a link was in use so recently that it is taken to work still. */
  readonly isFresh: (link: WatchedLink) => boolean
  /** Finds out whether an idle link still works, and if not, why. */
  readonly check: (link: WatchedLink, done: (failure: ConnectionError | undefined) => void) => void
}

/** A dial that is under way. Once its caller has left, the next caller takes the dial over. */
interface BlockingDial {
  readonly epoch: number
  slot: Slot<WatchedLink, DialError>
}

export class BlockingLinks {
  private readonly needs: Needs
  private idle: Array<WatchedLink> = []
  private readonly dials = new Set<BlockingDial>()

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** How many links are kept for the next GETJOB. */
  get idleCount(): number {
    return this.idle.length
  }

  /** Since when the first of the idle links has been idle; Infinity if none is idle. */
  get idleSince(): number {
    let since = Number.POSITIVE_INFINITY
    for (const link of this.idle) since = Math.min(since, link.idleSince)
    return since
  }

  /** A link for the caller alone until it is released. */
  readonly borrow: Effect.Effect<WatchedLink, DialError> = Effect.suspend(() => {
    const slot = new Slot<WatchedLink, DialError>((link) => this.release(link))
    this.fill(slot)
    return slot.take
  })

  /** An idle link that needs no check; undefined if there is none. */
  borrowNow(): WatchedLink | undefined {
    const idle = this.popIdle()
    if (idle === undefined || this.needs.isFresh(idle)) return idle
    this.idle.push(idle)
    return undefined
  }

  /** Gives a link back for the next GETJOB. */
  release(link: WatchedLink): void {
    if (!link.isOpen) return
    if (link.epoch < this.needs.epoch()) this.needs.drop([link])
    else if (this.needs.keepIdle(link)) this.idle.push(link)
  }

  /** Gives up the links that have been idle since `before` or longer, and gives them. */
  takeIdle(before: number): ReadonlyArray<WatchedLink> {
    return this.take((link) => link.idleSince <= before)
  }

  /** Gives up the idle links that are older than `epoch`, and gives them. */
  takeOlder(epoch: number): ReadonlyArray<WatchedLink> {
    return this.take((link) => link.epoch < epoch)
  }

  private take(isTaken: (link: WatchedLink) => boolean): ReadonlyArray<WatchedLink> {
    const taken = this.idle.filter(isTaken)
    if (taken.length > 0) this.idle = this.idle.filter((link) => !isTaken(link))
    return taken
  }

  private popIdle(): WatchedLink | undefined {
    for (let link = this.idle.pop(); link !== undefined; link = this.idle.pop()) {
      if (link.isOpen) return link
    }
    return undefined
  }

  private fill(slot: Slot<WatchedLink, DialError>): void {
    const idle = this.popIdle()
    if (idle === undefined) {
      this.dialFor(slot)
      return
    }
    this.needs.check(idle, (failure) => {
      if (failure === undefined) return slot.fill(Exit.succeed(idle))
      if (failure.reason !== "silent") return this.fill(slot)
      // The other links would be as silent, one after the other. Nothing was sent, so that another node may be tried.
      this.needs.drop(this.take((link) => !this.needs.isFresh(link)))
      slot.fill(Exit.fail(new ConnectionError({ node: this.needs.node, reason: "unsent" })))
    })
  }

  private dialFor(slot: Slot<WatchedLink, DialError>): void {
    const epoch = this.needs.epoch()
    for (const dial of this.dials) {
      if (dial.slot.isOpen || dial.epoch < epoch) continue
      dial.slot = slot
      return
    }
    const dial: BlockingDial = { epoch, slot }
    this.dials.add(dial)
    this.needs.dial((exit) => {
      this.dials.delete(dial)
      dial.slot.fill(exit)
    })
  }
}
