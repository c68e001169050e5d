/** All links of a test: what goes over them, and what is done to it. */
import { ConnectionError, type DisqueDialer, Reply } from "@disco/core"
import * as Effect from "effect/Effect"
import type { Activity } from "../time/activity.js"
import type { VirtualClock } from "../time/virtualClock.js"
import { Ledger, type Sent } from "./ledger.js"
import { TappedLink, type Verdict } from "./tappedLink.js"
import { nameOf, textOf } from "./words.js"

interface Fault {
  readonly command: string
  readonly verdict: Verdict
  left: number
}

/** The links of one process. */
export interface Wiring {
  readonly dialer: DisqueDialer.Service
  /** Breaks all links, and lets no new one be made. */
  readonly cut: () => void
}

const tooLate = new Reply.ErrorReply({
  text: "TOOLATE Half of job TTL already elapsed, you are no longer allowed to postpone"
})

export class Wire {
  readonly ledger: Ledger
  /** How long a command is under way, and its reply, in ms. */
  latency = 0
  private readonly clock: VirtualClock
  private readonly activity: Activity
  private readonly links = new Set<TappedLink>()
  private readonly faults: Array<Fault> = []
  /** The jobs whose leases are renewed no more. */
  private readonly expired = new Set<string>()

  constructor(clock: VirtualClock, activity: Activity) {
    this.clock = clock
    this.activity = activity
    this.ledger = new Ledger(() => clock.unsafeCurrentTimeMillis())
  }

  /** What the next commands of this name meet. */
  plan(fault: Fault): void {
    this.faults.push(fault)
  }

  /** No node renews the lease of the job until it is delivered again. */
  expire(id: string): void {
    this.expired.add(id)
    this.ledger.atDelivery(id, () => this.expired.delete(id))
  }

  /** Ends what was planned. */
  heal(): void {
    this.latency = 0
    this.faults.length = 0
  }

  dropAll(): void {
    for (const link of [...this.links]) link.drop()
  }

  private judge({ words }: Sent): Verdict {
    const name = nameOf(words)
    if (name === "WORKING" && this.expired.has(textOf(words[1]))) return tooLate
    const fault = this.faults.find(({ command, left }) => command === name && left > 0)
    if (fault === undefined) return "pass"
    fault.left--
    return fault.verdict
  }

  wiring(dialer: DisqueDialer.Service): Wiring {
    const own = new Set<TappedLink>()
    let isCut = false
    const { activity, clock, ledger } = this
    const needs = {
      sent: (node: string, words: Sent["words"]) => ledger.sent(node, words),
      replied: (sent: Sent, reply: Reply.Reply) => ledger.replied(sent, reply),
      judge: (sent: Sent) => this.judge(sent),
      latency: () => this.latency,
      now: () => clock.unsafeCurrentTimeMillis(),
      at: (time: number, run: () => void) => void clock.at(time, run),
      moved: () => activity.moved()
    }
    const refused = (node: string): ConnectionError => new ConnectionError({ node, reason: "refused" })
    return {
      dialer: {
        seeds: dialer.seeds,
        dial: (node) =>
          Effect.suspend(() =>
            isCut
              ? Effect.fail(refused(node))
              : Effect.map(dialer.dial(node), (link) => {
                  const tapped = new TappedLink(link, needs, (closed) => {
                    own.delete(closed)
                    this.links.delete(closed)
                  })
                  own.add(tapped)
                  this.links.add(tapped)
                  return tapped
                })
          )
      },
      cut: () => {
        isCut = true
        for (const link of [...own]) link.drop()
      }
    }
  }
}
