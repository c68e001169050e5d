/**
 * What is open to one node: a link for commands, which all share; more of them for commands that wait for other nodes; and links
 * that block, each for one GETJOB at a time.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { ConnectionError, type NotAuthenticated } from "../DisqueError.js"
import { Slot } from "../internal/slot.js"
import type { WatchedLink } from "./watchedLink.js"

// So many commands on each link are a reason to open more of them than the limit asks for.
const manyWaiting = 8

export type DialError = ConnectionError | NotAuthenticated

/** What a session needs of the client that it belongs to. */
export interface Owner {
  readonly now: () => number
  readonly dial: (node: string) => Effect.Effect<WatchedLink, DialError>
  /** Runs an effect apart from the caller, until the client closes, and gives what ends it before. */
  readonly fork: (effect: Effect.Effect<unknown>) => () => void
  /** Whether a link that has become idle is kept, or else closed by now. */
  readonly keepIdle: (link: WatchedLink) => boolean
  /** Closes links that are of no use any more, once the replies that are due on them have come. */
  readonly drop: (links: ReadonlyArray<WatchedLink>) => void
  /** Whether a link was in use so shortly ago that it is taken to work still. */
  readonly isFresh: (link: WatchedLink) => boolean
  /** Finds out whether a link that was idle still works: where it does not, why. */
  readonly check: (link: WatchedLink, done: (failure: ConnectionError | undefined) => void) => void
}

/** A dial that is under way. */
interface Opening {
  readonly opened: Deferred.Deferred<WatchedLink, DialError>
  readonly since: number
  waiting: number
  stop: () => void
}

/** A dial of a link to block on. Once its caller has left, the next caller takes the dial over. */
interface BlockingDial {
  readonly epoch: number
  slot: Slot<WatchedLink, DialError>
}

export class Session {
  readonly node: string
  private readonly owner: Owner
  private link: WatchedLink | undefined = undefined
  private opening: Opening | undefined = undefined
  private lanes: Array<WatchedLink> = []
  private openingLanes = 0
  private dials = 0
  private idle: Array<WatchedLink> = []
  private readonly blockingDials = new Set<BlockingDial>()
  private epoch = 0

  constructor(node: string, owner: Owner) {
    this.node = node
    this.owner = owner
  }

  /** The link for commands, where it is open. */
  get openLink(): WatchedLink | undefined {
    return this.link?.isOpen === true ? this.link : undefined
  }

  /** How many links are kept for the next wait. */
  get idleCount(): number {
    return this.idle.length
  }

  /** Whether a link is being opened. */
  get isDialing(): boolean {
    return this.dials > 0
  }

  /** For how long the link for commands has been opened; 0 where it is not. */
  get openingMillis(): number {
    return this.opening === undefined ? 0 : this.owner.now() - this.opening.since
  }

  // One dial serves all who wait, and ends where none of them is left.
  /** The link for commands, opened where it is not. */
  readonly commandLink: Effect.Effect<WatchedLink, DialError> = Effect.suspend(() => {
    const open = this.openLink
    if (open !== undefined) return Effect.succeed(open)
    const opening = this.opening ?? this.openCommandLink()
    opening.waiting += 1
    return Effect.onInterrupt(Deferred.await(opening.opened), () =>
      Effect.sync(() => {
        opening.waiting -= 1
        if (opening.waiting > 0 || this.opening !== opening) return
        this.opening = undefined
        opening.stop()
      })
    )
  })

  private openCommandLink(): Opening {
    const opening: Opening = {
      opened: Deferred.unsafeMake(FiberId.none),
      since: this.owner.now(),
      waiting: 0,
      stop: () => {}
    }
    this.opening = opening
    opening.stop = this.open((exit) => {
      if (this.opening === opening) {
        this.opening = undefined
        if (Exit.isSuccess(exit)) this.link = exit.value
      } else if (Exit.isSuccess(exit)) {
        exit.value.close("closed")
      }
      Deferred.unsafeDone(opening.opened, exit)
    })
    return opening
  }

  /**
   * The link with the least to wait for, for commands that wait for other nodes: where it is not free, one more is opened, up to
   * `most`, and up to twice as many where commands pile up.
   */
  lane(most: number): WatchedLink | undefined {
    let best: WatchedLink | undefined
    for (const lane of this.lanes) {
      if ((best === undefined || lane.size < best.size) && lane.isOpen) best = lane
    }
    const there = this.lanes.length + this.openingLanes
    if (best === undefined) {
      if (there < most) this.openLane()
      return this.openLink
    }
    if (best.size > 0 && there < (best.size < manyWaiting ? most : 2 * most)) this.openLane()
    best.idleSince = this.owner.now()
    return best
  }

  private openLane(): void {
    this.openingLanes += 1
    this.open((exit) => {
      this.openingLanes -= 1
      this.lanes = this.lanes.filter((lane) => lane.isOpen)
      if (Exit.isFailure(exit)) return
      exit.value.idleSince = this.owner.now()
      exit.value.isOneAtATime = true
      this.lanes.push(exit.value)
    })
  }

  /** A link to block on, for the caller alone until it is released. */
  readonly blockingLink: Effect.Effect<WatchedLink, DialError> = Effect.suspend(() => {
    const slot = new Slot<WatchedLink, DialError>((link) => this.release(link))
    this.borrow(slot)
    return slot.take
  })

  /** A link to block on, where one is idle that needs no check. */
  borrowNow(): WatchedLink | undefined {
    const idle = this.takeIdle()
    if (idle === undefined || this.owner.isFresh(idle)) return idle
    this.idle.push(idle)
    return undefined
  }

  /** Gives a link back for the next GETJOB. */
  release(link: WatchedLink): void {
    if (!link.isOpen) return
    if (link.epoch < this.epoch) this.owner.drop([link])
    else if (this.owner.keepIdle(link)) this.idle.push(link)
  }

  /**
   * The node wants a password by now, which it was not given on this link: all links that are as old give way to new ones, on
   * which it is. Told so again by the same links, it changes nothing.
   */
  renew(link: WatchedLink): void {
    if (link.epoch === this.epoch) this.epoch += 1
    const isOld = ({ epoch }: WatchedLink) => epoch < this.epoch
    const links = [...(this.openLink === undefined ? [] : [this.openLink]), ...this.lanes, ...this.idle].filter(isOld)
    if (links.length === 0) return
    if (this.link !== undefined && isOld(this.link)) this.link = undefined
    this.lanes = this.lanes.filter((lane) => !isOld(lane))
    this.idle = this.idle.filter((link) => !isOld(link))
    this.owner.drop(links.filter((link) => link.isOpen))
  }

  /** When the first of the links is idle that are not kept for ever. */
  get idleSince(): number {
    let since = Number.POSITIVE_INFINITY
    for (const link of this.idle) since = Math.min(since, link.idleSince)
    for (const lane of this.lanes) if (lane.isOpen && lane.size === 0) since = Math.min(since, lane.idleSince)
    return since
  }

  /** Closes the links that have been idle since `before` or longer, and says how many. */
  closeIdle(before: number): number {
    const old = [
      ...this.idle.filter((link) => link.idleSince <= before),
      ...this.lanes.filter((lane) => lane.isOpen && lane.size === 0 && lane.idleSince <= before)
    ]
    this.idle = this.idle.filter((link) => link.idleSince > before)
    this.lanes = this.lanes.filter((lane) => !old.includes(lane))
    for (const link of old) link.retire()
    return old.length
  }

  private borrow(slot: Slot<WatchedLink, DialError>): void {
    const idle = this.takeIdle()
    if (idle === undefined) {
      this.dialFor(slot)
    } else {
      this.owner.check(idle, (failure) => {
        if (failure === undefined) return slot.fill(Exit.succeed(idle))
        if (failure.reason !== "silent") return this.borrow(slot)
        // The others would be as silent, one after the other. Nothing was sent, so that another node may be tried.
        const others = this.idle
        this.idle = others.filter(this.owner.isFresh)
        this.owner.drop(others.filter((link) => !this.owner.isFresh(link)))
        slot.fill(Exit.fail(new ConnectionError({ node: this.node, reason: "unsent" })))
      })
    }
  }

  private dialFor(slot: Slot<WatchedLink, DialError>): void {
    for (const dial of this.blockingDials) {
      if (dial.slot.isOpen || dial.epoch < this.epoch) continue
      dial.slot = slot
      return
    }
    const dial: BlockingDial = { epoch: this.epoch, slot }
    this.blockingDials.add(dial)
    this.open((exit) => {
      this.blockingDials.delete(dial)
      dial.slot.fill(exit)
    })
  }

  private takeIdle(): WatchedLink | undefined {
    for (let link = this.idle.pop(); link !== undefined; link = this.idle.pop()) {
      if (link.isOpen) return link
    }
    return undefined
  }

  private open(done: (exit: Exit.Exit<WatchedLink, DialError>) => void): () => void {
    const closed = () => Exit.fail(new ConnectionError({ node: this.node, reason: "closed" }))
    const { epoch } = this
    this.dials += 1
    return this.owner.fork(
      Effect.onExit(this.owner.dial(this.node), (exit) =>
        Effect.sync(() => {
          this.dials -= 1
          if (Exit.isSuccess(exit)) exit.value.epoch = epoch
          done(Exit.isInterrupted(exit) ? closed() : exit)
        })
      ).pipe(Effect.exit)
    )
  }
}
