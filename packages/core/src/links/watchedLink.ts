/** A link whose every command has an end. */
import * as Exit from "effect/Exit"
import { ConnectionError } from "../DisqueError.js"
import type { Arguments, DisqueLink } from "../DisqueLink.js"
import type { Reply } from "../Reply.js"

type Done = (outcome: Exit.Exit<Reply, ConnectionError>) => void

// A class, because V8 may come to put what a literal makes where a full collection alone finds it, with all that it holds.
class Pending {
  readonly command: Arguments
  readonly millis: number
  readonly done: Done

  constructor(command: Arguments, millis: number, done: Done) {
    this.command = command
    this.millis = millis
    this.done = done
  }
}

// Where the node takes one command at a time, it has enough to go on with: more is sent once there are so few left, many in one
// write.
const mostAhead = 8
const leastAhead = 4

/**
 * Keeps the time of the command whose reply is due next. The ones behind it cannot be answered before, so their time begins
 * when they come to the front.
 */
export class WatchedLink {
  readonly node: string
  /** When the link was last given back; meaningful while it is idle. */
  idleSince = 0
  /** Why this side closed it. */
  closedFor: ConnectionError["reason"] | undefined = undefined
  /** Whether the node takes one command of it at a time, because each waits for other nodes. */
  isOneAtATime = false
  private readonly link: DisqueLink
  private readonly now: () => number
  private pending: Array<Pending> = []
  private head = 0
  // From here on they are kept back.
  private sent = 0
  private headSince = 0
  private isRetired = false

  constructor(link: DisqueLink, now: () => number) {
    this.link = link
    this.node = link.node
    this.now = now
    this.headSince = now()
  }

  get isOpen(): boolean {
    return this.link.isOpen()
  }

  /** Whether the node is in the process: what was sent there can be taken back, and nothing comes between. */
  get isLocal(): boolean {
    return this.link.withdraw !== undefined
  }

  /** When the last reply came, or was found never to come. */
  get lastReplyAt(): number {
    return this.headSince
  }

  /** When the reply that is due next is overdue, by the clock that the link was given. */
  get deadline(): number {
    const front = this.pending[this.head]
    return front === undefined ? Number.POSITIVE_INFINITY : this.headSince + front.millis
  }

  /** How many commands are under way. */
  get size(): number {
    return this.pending.length - this.head
  }

  /** Since when nothing is under way; Infinity while something is. */
  get quietSince(): number {
    return this.head === this.pending.length ? this.headSince : Number.POSITIVE_INFINITY
  }

  /** Sends a command that has to be answered within `millis` of coming to the front. `now` is given where it is known. */
  send(command: Arguments, millis: number, done: Done, now?: number): void {
    if (this.head === this.pending.length) this.headSince = now ?? this.now()
    this.pending.push(new Pending(command, millis, done))
    if (!this.isOneAtATime || this.sent - this.head < mostAhead) this.transmit()
  }

  /** Takes back the blocking command in flight: true where it is certain to have taken no job. */
  withdraw(): boolean {
    if (this.link.withdraw?.() !== true) return false
    this.shift()
    return true
  }

  close(reason: ConnectionError["reason"]): void {
    this.closedFor ??= reason
    this.link.close(new ConnectionError({ node: this.node, reason }))
  }

  /** Closes the link once the replies that are due have come. */
  retire(): void {
    if (this.head === this.pending.length) this.close("closed")
    else this.isRetired = true
  }

  private transmit(): void {
    while (this.sent < this.pending.length) {
      const entry = this.pending[this.sent] as Pending
      this.sent += 1
      this.link.send(entry.command, this.settle)
    }
  }

  // Outcomes come in the order of the commands, so that one function does for all of them.
  private readonly settle: Done = (outcome) => {
    if (Exit.isFailure(outcome)) this.failKept()
    const { done } = this.pending[this.head] as Pending
    this.shift()
    done(outcome)
  }

  // The link is broken: what was kept back goes nowhere any more.
  private failKept(): void {
    this.headSince = this.now()
    const reason = this.closedFor === "closed" ? "closed" : "unsent"
    const outcome = Exit.fail(new ConnectionError({ node: this.node, reason }))
    for (const entry of this.pending.splice(this.sent)) entry.done(outcome)
  }

  private shift(): void {
    this.pending[this.head] = undefined as never
    this.head += 1
    this.headSince = this.now()
    if (this.head === this.pending.length) {
      this.pending = []
      this.head = 0
      this.sent = 0
      if (this.isRetired) this.close("closed")
    } else {
      if (this.head > 1024 && this.head * 2 > this.pending.length) {
        this.pending = this.pending.slice(this.head)
        this.sent -= this.head
        this.head = 0
      }
      if (this.sent - this.head <= leastAhead) this.transmit()
    }
  }
}
