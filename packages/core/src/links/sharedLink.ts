/** The link to one node that all commands share, opened when it is needed. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { DialError } from "../DisqueLink.js"
import { makeDeferred } from "../internal/runtime.js"
import type { WatchedLink } from "./watchedLink.js"

/** What the shared link needs. */
interface Needs {
  readonly now: () => number
  /** Dials apart from the caller, and gives what stops the dial. */
  readonly dial: (done: (exit: Exit.Exit<WatchedLink, DialError>) => void) => () => void
}

/** A dial that is under way: it serves all callers that wait, and ends when none of them is left. */
interface SharedDial {
  readonly ended: Deferred.Deferred<WatchedLink, DialError>
  readonly since: number
  waiting: number
  stop: () => void
}

export class SharedLink {
  private readonly needs: Needs
  private link: WatchedLink | undefined = undefined
  private dial: SharedDial | undefined = undefined

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** The link, if it is open. */
  get open(): WatchedLink | undefined {
    return this.link?.isOpen === true ? this.link : undefined
  }

  /** For how long the link has been dialed; 0 if it is not. */
  get dialingMillis(): number {
    return this.dial === undefined ? 0 : this.needs.now() - this.dial.since
  }

  /** The link, dialed if it is not open. */
  readonly get: Effect.Effect<WatchedLink, DialError> = Effect.suspend(() => {
    const { open } = this
    if (open !== undefined) return Effect.succeed(open)
    const dial = this.dial ?? this.begin()
    dial.waiting += 1
    return Effect.onInterrupt(Deferred.await(dial.ended), () =>
      Effect.sync(() => {
        dial.waiting -= 1
        if (dial.waiting > 0 || this.dial !== dial) return
        this.dial = undefined
        dial.stop()
      })
    )
  })

  /** Gives up the link if it is older than `epoch`, and gives it. */
  takeOlder(epoch: number): ReadonlyArray<WatchedLink> {
    if (this.link === undefined || this.link.epoch >= epoch) return []
    const { link } = this
    this.link = undefined
    return [link]
  }

  private begin(): SharedDial {
    const dial: SharedDial = { ended: makeDeferred(), since: this.needs.now(), waiting: 0, stop: () => {} }
    this.dial = dial
    dial.stop = this.needs.dial((exit) => {
      if (this.dial === dial) {
        this.dial = undefined
        if (Exit.isSuccess(exit)) this.link = exit.value
      } else if (Exit.isSuccess(exit)) {
        exit.value.close("closed")
      }
      Deferred.unsafeDone(dial.ended, exit)
    })
    return dial
  }
}
