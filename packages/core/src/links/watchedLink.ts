/** A link whose every command has an end. */
import * as Exit from "effect/Exit"
import { ConnectionError } from "../DisqueError.js"
import type { Arguments, DisqueLink } from "../DisqueLink.js"
import type { Reply } from "../Reply.js"

type Done = (outcome: Exit.Exit<Reply, ConnectionError>, isLate: boolean) => void

/** A command that was given to a link. */
// Classes, because V8 may allocate object literals where only a full garbage collection frees them and all that they hold.
export abstract class Pending {
  readonly wire: Arguments
  /** How many bytes the command takes on the wire, or fewer if its text is not ASCII. */
  readonly size: number
  /** How long the caller waits, and how long the node may take. */
  readonly millis: number
  /** When the time of the command ends, as the link counts time. */
  due = 0
  /** Whether nobody waits for the reply any more. */
  isGivenUp = false

  constructor(wire: Arguments, millis: number) {
    this.wire = wire
    let size = 0
    for (let i = 0; i < wire.length; i++) size += (wire[i] as string | Uint8Array).length
    this.size = size
    this.millis = millis
  }

  /** `isLate` if the time of the command ended while it stood behind others: that says nothing about the link. */
  abstract done(outcome: Exit.Exit<Reply, ConnectionError>, isLate: boolean): void
}

class Callback extends Pending {
  private readonly call: Done

  constructor(wire: Arguments, millis: number, call: Done) {
    super(wire, millis)
    this.call = call
  }

  done(outcome: Exit.Exit<Reply, ConnectionError>, isLate: boolean): void {
    this.call(outcome, isLate)
  }
}

// How many commands a node has at hand if it takes one at a time. More are sent when few are left, so that many go in one write.
const mostAhead = 8
const leastAhead = 4
// A server keeps the commands behind one that waits, and ends the connection when they reach 1 GB.
const mostFlying = 64 * 1024 * 1024
// A line moves if each command in it is answered this soon. Then its length is no reason to give up.
const movingMillis = 100

/**
 * Each command has a deadline in two ways. The node has `millis` to answer the command at the front of the line, from when it came
 * there: after that the link is of no use. And the caller waits for `millis`, wherever its command stands in the line, not counting
 * the time in which the line moved: a command that has not been sent by then is never sent.
 */
export class WatchedLink {
  readonly node: string
  /** Since when the link has been idle; meaningful while it is. */
  idleSince = 0
  /** How often the node had turned links away when this link was dialed. */
  epoch = 0
  /** Why this side closed the link. */
  closedFor: ConnectionError["reason"] | undefined = undefined
  /** Whether the node takes one command at a time from the link, because each waits for other nodes. */
  isOneAtATime = false
  private readonly link: DisqueLink
  private readonly now: () => number
  private pending: Array<Pending> = []
  private head = 0
  // The index of the first command that is kept back.
  private sent = 0
  /** How many bytes of commands were sent and not answered. */
  private flying = 0
  private headSince = 0
  // For how long the line has stood still so far, and, on that scale, the first deadline of a caller or an earlier time.
  private stoodStill = 0
  private firstDue = Number.POSITIVE_INFINITY
  private isMoving = true
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

  /** Whether the node is in this process: then a command can be taken back, and no network can fail. */
  get isLocal(): boolean {
    return this.link.withdraw !== undefined
  }

  /** When the last reply came, or was found to never come. */
  get lastReplyAt(): number {
    return this.headSince
  }

  /** When `expire` is to be called next, by the clock of the link. */
  get deadline(): number {
    const front = this.pending[this.head]
    return front === undefined
      ? Number.POSITIVE_INFINITY
      : this.headSince + Math.min(front.millis, this.firstDue - this.stoodStill)
  }

  /** How many commands are under way. */
  get size(): number {
    return this.pending.length - this.head
  }

  /** Since when nothing is under way; Infinity while something is. */
  get quietSince(): number {
    return this.head === this.pending.length ? this.headSince : Number.POSITIVE_INFINITY
  }

  /** Sends a command. The caller waits for it for `millis`, of which `spent` have passed. `now` saves a look at the clock. */
  send(command: Arguments, millis: number, done: Done, now: number = this.now(), spent = 0): void {
    this.transmit(new Callback(command, millis, done), now, spent)
  }

  /** The same for a command that is known already. */
  transmit(command: Pending, now: number, spent: number): void {
    if (this.head === this.pending.length) this.headSince = now
    command.due = this.stoodStill + (now - this.headSince) + command.millis - spent
    if (command.due < this.firstDue) this.firstDue = command.due
    this.pending.push(command)
    if (!this.isOneAtATime || this.sent - this.head < (this.isMoving ? mostAhead : 1)) this.write()
  }

  /** Ends the commands whose time is up, and says whether the link is still of use. */
  expire(now: number): boolean {
    const front = this.pending[this.head]
    if (front === undefined) return true
    if (this.headSince + front.millis <= now) return false
    const at = this.stoodStill + (now - this.headSince)
    if (at < this.firstDue) return true
    const late: Array<Pending> = []
    const unsent: Array<Pending> = []
    this.firstDue = Number.POSITIVE_INFINITY
    let kept = this.head
    for (let i = this.head; i < this.pending.length; i++) {
      const entry = this.pending[i] as Pending
      const isDue = entry.due <= at
      if (isDue && i >= this.sent) {
        unsent.push(entry)
        continue
      }
      if (isDue && !entry.isGivenUp) {
        late.push(entry)
        entry.isGivenUp = true
      }
      if (!entry.isGivenUp && entry.due < this.firstDue) this.firstDue = entry.due
      this.pending[kept++] = entry
    }
    this.pending.length = kept
    for (const entry of late) entry.done(this.failed("silent"), true)
    for (const entry of unsent) entry.done(this.failed("unsent"), true)
    return true
  }

  /** Takes back the blocking command in flight: true if it is certain to have taken no job. */
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

  private failed(reason: ConnectionError["reason"]): Exit.Exit<never, ConnectionError> {
    return Exit.fail(new ConnectionError({ node: this.node, reason }))
  }

  private write(): void {
    while (this.sent < this.pending.length) {
      const entry = this.pending[this.sent] as Pending
      if (this.flying > 0 && this.flying + entry.size > mostFlying) return
      this.sent += 1
      this.flying += entry.size
      this.link.send(entry.wire, this.settle)
      // While the line stands still, no more is sent than the node can begin with: what is not sent can still fail as unsent.
      if (this.isOneAtATime && !this.isMoving) return
    }
  }

  // Outcomes come in the order of the commands, so that one function does for all of them.
  private readonly settle = (outcome: Exit.Exit<Reply, ConnectionError>): void => {
    if (Exit.isFailure(outcome)) this.failKept()
    const entry = this.pending[this.head] as Pending
    this.shift()
    if (!entry.isGivenUp) entry.done(outcome, false)
  }

  // The link is broken: the commands that were kept back are never sent.
  private failKept(): void {
    this.headSince = this.now()
    const reason = this.closedFor === "closed" ? "closed" : "unsent"
    const outcome = this.failed(reason)
    for (const entry of this.pending.splice(this.sent)) if (!entry.isGivenUp) entry.done(outcome, false)
  }

  private shift(): void {
    const now = this.now()
    this.flying -= this.pending[this.head]?.size ?? 0
    this.pending[this.head] = undefined as never
    this.head += 1
    this.isMoving = now - this.headSince <= movingMillis
    if (!this.isMoving) this.stoodStill += now - this.headSince
    this.headSince = now
    if (this.head === this.pending.length) {
      this.pending = []
      this.head = 0
      this.sent = 0
      this.firstDue = Number.POSITIVE_INFINITY
      if (this.isRetired) this.close("closed")
    } else {
      if (this.head > 1024 && this.head * 2 > this.pending.length) {
        this.pending = this.pending.slice(this.head)
        this.sent -= this.head
        this.head = 0
      }
      if (!this.isOneAtATime || this.sent - this.head <= (this.isMoving ? leastAhead : 0)) this.write()
    }
  }
}
