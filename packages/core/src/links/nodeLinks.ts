/**
 * The links to one node: one that all commands share, more for commands that wait for copies on other nodes, and links that block,
 * each for one GETJOB at a time.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ConnectionError } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import { BlockingLinks } from "./blockingLinks.js"
import { ReplicationLinks } from "./replicationLinks.js"
import { SharedLink } from "./sharedLink.js"
import type { WatchedLink } from "./watchedLink.js"

/** What the links to a node need. */
interface Needs {
  readonly now: () => number
  readonly dial: (node: string) => Effect.Effect<WatchedLink, DialError>
  /** Runs an effect apart from the caller, until the client closes, and gives what ends it before. */
  readonly fork: (effect: Effect.Effect<unknown>) => () => void
  /** Decides whether a link that has become idle is kept; if not, it is closed. */
  readonly keepIdle: (link: WatchedLink) => boolean
  /** Closes links that are of no more use, once the replies that are due on them have come. */
  readonly drop: (links: ReadonlyArray<WatchedLink>) => void
  /** Whether a link was in use so recently that it is taken to work still. */
  readonly isFresh: (link: WatchedLink) => boolean
  /** Finds out whether an idle link still works, and if not, why. */
  readonly check: (link: WatchedLink, done: (failure: ConnectionError | undefined) => void) => void
}

export class NodeLinks {
  readonly node: string
  private readonly needs: Needs
  private readonly shared: SharedLink
  private readonly replication: ReplicationLinks
  private readonly blocking: BlockingLinks
  private dials = 0
  private epoch = 0

  constructor(node: string, needs: Needs) {
    this.node = node
    this.needs = needs
    const dial = (done: (exit: Exit.Exit<WatchedLink, DialError>) => void) => this.dial(done)
    this.shared = new SharedLink({ now: needs.now, dial })
    this.replication = new ReplicationLinks({ now: needs.now, dial })
    this.blocking = new BlockingLinks({ ...needs, node, epoch: () => this.epoch, dial })
  }

  /** Whether a link is being dialed. */
  get isDialing(): boolean {
    return this.dials > 0
  }

  /** The link that commands share, if it is open. */
  get sharedNow(): WatchedLink | undefined {
    return this.shared.open
  }

  /** The link that commands share, dialed if it is not open. */
  get sharedLink(): Effect.Effect<WatchedLink, DialError> {
    return this.shared.get
  }

  /** For how long the shared link has been dialed; 0 if it is not. */
  get dialingMillis(): number {
    return this.shared.dialingMillis
  }

  /** The best of at most `most` open links for a command that waits for copies: the shared one while no other is open. */
  replicationNow(most: number): WatchedLink | undefined {
    return this.replication.leastBusy(most) ?? this.shared.open
  }

  /** A link to block on, for the caller alone until it is released. */
  get blockingLink(): Effect.Effect<WatchedLink, DialError> {
    return this.blocking.borrow
  }

  /** A link to block on that needs no check; undefined if none is idle. */
  blockingNow(): WatchedLink | undefined {
    return this.blocking.borrowNow()
  }

  /** Gives a link to block on back. */
  release(link: WatchedLink): void {
    this.blocking.release(link)
  }

  /** How many links are kept for the next GETJOB. */
  get idleCount(): number {
    return this.blocking.idleCount
  }

  /** Since when the first of the idle links that may be closed has been idle; Infinity if none is idle. */
  get idleSince(): number {
    return Math.min(this.blocking.idleSince, this.replication.idleSince)
  }

  /** Closes the links that have been idle since `before` or longer, and says how many. */
  closeIdle(before: number): number {
    const old = [...this.blocking.takeIdle(before), ...this.replication.takeIdle(before)]
    for (const link of old) link.retire()
    return old.length
  }

  /**
   * The node now wants a password that it was not given on this link: new links, on which it is given, replace all links that are as
   * old. A second call for the same links changes nothing.
   */
  renew(link: WatchedLink): void {
    if (link.epoch === this.epoch) this.epoch += 1
    const old = [this.shared, this.replication, this.blocking].flatMap((links) => links.takeOlder(this.epoch))
    this.needs.drop(old.filter((link) => link.isOpen))
  }

  private dial(done: (exit: Exit.Exit<WatchedLink, DialError>) => void): () => void {
    const { epoch, node } = this
    this.dials += 1
    return this.needs.fork(
      Effect.onExit(this.needs.dial(node), (exit) =>
        Effect.sync(() => {
          this.dials -= 1
          if (Exit.isSuccess(exit)) exit.value.epoch = epoch
          done(Exit.isInterrupted(exit) ? Exit.fail(new ConnectionError({ node, reason: "closed" })) : exit)
        })
      ).pipe(Effect.exit)
    )
  }
}
