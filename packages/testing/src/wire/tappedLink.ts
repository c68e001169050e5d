/** A link whose commands and replies are seen, and to which a test does what networks do. */
import { ConnectionError, type DisqueLink, type Reply } from "@disco/core"
import { Fifo } from "@disco/core/internal"
import * as Exit from "effect/Exit"
import type { Sent } from "./ledger.js"

type Outcome = Exit.Exit<Reply.Reply, ConnectionError>
type Done = (outcome: Outcome) => void

/** What a test decides about a command before it goes out. */
export type Verdict = "pass" | "lose the reply" | Reply.ErrorReply

export interface Needs {
  readonly sent: (node: string, words: Sent["words"]) => Sent
  readonly replied: (sent: Sent, reply: Reply.Reply) => void
  readonly judge: (sent: Sent) => Verdict
  /** How long a command is under way, and its reply, in ms. */
  readonly latency: () => number
  readonly now: () => number
  readonly at: (time: number, run: () => void) => void
  readonly moved: () => void
}

interface Slot {
  readonly done: Done
  outcome: Outcome | undefined
  /** Whether it has left: a command that is still on its way when the link breaks never arrives. */
  isSent: boolean
}

export class TappedLink implements DisqueLink {
  readonly node: string
  private readonly link: DisqueLink
  private readonly needs: Needs
  private readonly onClose: (link: TappedLink) => void
  private waiting = new Fifo<Slot>()
  private broken: ConnectionError | undefined
  /** When the last command arrives at the node, and the last reply here: none overtakes another. */
  private thereAt = 0
  private backAt = 0

  constructor(link: DisqueLink, needs: Needs, onClose: (link: TappedLink) => void) {
    this.node = link.node
    this.link = link
    this.needs = needs
    this.onClose = onClose
  }

  isOpen(): boolean {
    return this.broken === undefined && this.link.isOpen()
  }

  send(words: Sent["words"], done: Done): void {
    if (this.broken !== undefined) {
      done(Exit.fail(this.broken))
      return
    }
    const { needs } = this
    needs.moved()
    const sent = needs.sent(this.node, words)
    const verdict = needs.judge(sent)
    const slot: Slot = { done, outcome: undefined, isSent: false }
    this.waiting.push(slot)
    const settle = (outcome: Outcome): void => {
      needs.moved()
      this.backAt = this.later(this.backAt, () => {
        slot.outcome = outcome
        this.flush()
      })
    }
    this.thereAt = this.later(this.thereAt, () => {
      if (this.broken !== undefined) return
      slot.isSent = true
      if (verdict !== "pass" && verdict !== "lose the reply") return settle(Exit.succeed(verdict))
      // Bytes are sent as they were when the command was given.
      this.link.send(sent.words, (outcome) => {
        if (Exit.isSuccess(outcome)) needs.replied(sent, outcome.value)
        if (verdict === "pass") settle(outcome)
        else this.close(this.lost)
      })
    })
  }

  /** Does something now, or once the latency has passed. */
  private later(last: number, run: () => void): number {
    const now = this.needs.now()
    const at = Math.max(last, now + this.needs.latency())
    if (at <= now) run()
    else this.needs.at(at, run)
    return at
  }

  private flush(): void {
    for (let first = this.waiting.peek(); first?.outcome !== undefined; first = this.waiting.peek()) {
      this.waiting.shift()
      first.done(first.outcome)
    }
  }

  private get lost(): ConnectionError {
    return new ConnectionError({ node: this.node, reason: "lost" })
  }

  /** Breaks the link as a network does: neither side has asked for it. */
  drop(): void {
    this.close(this.lost)
  }

  close(reason: ConnectionError): void {
    if (this.broken !== undefined) return
    this.broken = reason
    this.needs.moved()
    this.link.close(reason)
    const left = this.waiting.drain()
    this.waiting = new Fifo()
    const unsent = new ConnectionError({ node: this.node, reason: "unsent" })
    for (const { done, isSent, outcome } of left) done(outcome ?? Exit.fail(isSent ? reason : unsent))
    this.onClose(this)
  }

  withdraw(): boolean {
    // What is under way cannot be taken back.
    if (this.broken !== undefined || this.thereAt > this.needs.now() || this.backAt > this.needs.now()) return false
    if (this.link.withdraw?.() !== true) return false
    this.waiting.shift()
    return true
  }
}
