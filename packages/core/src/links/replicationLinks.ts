/**
 * Links to one node for commands that the node answers only when other nodes have made copies. Such a command holds up all later ones
 * on its link, so that several links make such commands faster.
 */
import * as Exit from "effect/Exit"
import type { DialError } from "../DisqueLink.js"
import type { WatchedLink } from "./watchedLink.js"

// So many commands on each link are a reason to open more links than the limit asks for.
const manyWaiting = 8

/** What the replication links need. */
interface Needs {
  readonly now: () => number
  /** Dials apart from the caller. */
  readonly dial: (done: (exit: Exit.Exit<WatchedLink, DialError>) => void) => void
}

export class ReplicationLinks {
  private readonly needs: Needs
  private links: Array<WatchedLink> = []
  private dialing = 0

  constructor(needs: Needs) {
    this.needs = needs
  }

  /**
   * The open link with the fewest commands on it; undefined if none is open. If even that link is busy one more is dialed, up to
   * `most` links, and up to twice as many when commands pile up.
   */
  leastBusy(most: number): WatchedLink | undefined {
    let best: WatchedLink | undefined
    for (const link of this.links) {
      if ((best === undefined || link.size < best.size) && link.isOpen) best = link
    }
    const count = this.links.length + this.dialing
    if (best === undefined) {
      if (count < most) this.dial()
      return undefined
    }
    if (best.size > 0 && count < (best.size < manyWaiting ? most : 2 * most)) this.dial()
    best.idleSince = this.needs.now()
    return best
  }

  /** Since when the first of the idle links has been idle; Infinity if none is idle. */
  get idleSince(): number {
    let since = Number.POSITIVE_INFINITY
    for (const link of this.links) if (link.isOpen && link.size === 0) since = Math.min(since, link.idleSince)
    return since
  }

  /** Gives up the links that have been idle since `before` or longer, and gives them. */
  takeIdle(before: number): ReadonlyArray<WatchedLink> {
    return this.take((link) => link.isOpen && link.size === 0 && link.idleSince <= before)
  }

  /** Gives up the links that are older than `epoch`, and gives them. */
  takeOlder(epoch: number): ReadonlyArray<WatchedLink> {
    return this.take((link) => link.epoch < epoch)
  }

  private take(isTaken: (link: WatchedLink) => boolean): ReadonlyArray<WatchedLink> {
    const taken = this.links.filter(isTaken)
    if (taken.length > 0) this.links = this.links.filter((link) => !taken.includes(link))
    return taken
  }

  private dial(): void {
    this.dialing += 1
    this.needs.dial((exit) => {
      this.dialing -= 1
      this.links = this.links.filter((link) => link.isOpen)
      if (Exit.isFailure(exit)) return
      exit.value.idleSince = this.needs.now()
      exit.value.isOneAtATime = true
      this.links.push(exit.value)
    })
  }
}
