/** Reading the jobs that come: at once where that can be. */
import type { JobQueue } from "@disco/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import type { Held } from "../incoming/held.js"
import type { Inbox } from "../incoming/inbox.js"
import { isReady } from "../internal/ready.js"
import type { Restore } from "../internal/restore.js"
import type { Fate } from "./fate.js"
import { enclosed, fromJob, type Letter, millis } from "./letter.js"
import type { CrewOptions, Work } from "./work.js"

/** What was read; nothing of a job that cannot be, and was taken care of. */
export type Opened<A> = Work<A> | Effect.Effect<Work<A> | undefined>

export class Opening<A, E, B> {
  private readonly inbox: Inbox
  private readonly options: CrewOptions<A, E, B>
  private readonly fate: Fate<A, E, B>

  constructor(inbox: Inbox, options: CrewOptions<A, E, B>, fate: Fate<A, E, B>) {
    this.inbox = inbox
    this.options = options
    this.fate = fate
  }

  /** Reads a job; one that cannot be read, or was delivered too often, is given up. */
  open(held: Held, restore: Restore): Opened<A> {
    const { job } = held
    if (job.queue === this.options.queue) return this.read(held, job, undefined, restore)
    return Effect.matchCauseEffect(fromJob(job), {
      onFailure: (cause) =>
        this.none(this.fate.giveUp(held, undefined, 0, undefined, Cause.squash(cause), "undecodable", restore)),
      onSuccess: (history) => {
        const original = { ...job, queue: history.queue, id: job.id, body: enclosed(history) }
        const read = this.read(held, original, history, restore)
        return Effect.isEffect(read) ? read : Effect.succeed(read)
      }
    })
  }

  private read(held: Held, job: Held["job"], history: Letter | undefined, restore: Restore): Opened<A> {
    const past = this.fate.pastOf(held)
    const firstAt = past?.firstAt ?? (history === undefined ? undefined : millis(history.firstAt))
    const before = past?.attempt ?? (history?.attempts ?? 0) + job.nacks
    if (job.additionalDeliveries > this.options.crashes) {
      const error = new Error(`it was delivered ${job.additionalDeliveries} times more without having failed`)
      return this.none(this.fate.giveUp(held, history, before, firstAt, error, "crashed", restore))
    }
    const opened = this.options.open(job)
    if (isReady(opened)) return this.work(held, job, opened.value, before + 1, history, firstAt)
    return Effect.matchCauseEffect(restore(opened), {
      onFailure: (cause) =>
        Effect.flatMap(isInterrupted, (isCut) => {
          if (!isCut) {
            const error = Cause.squash(cause)
            return this.none(this.fate.giveUp(held, history, before, firstAt, error, "undecodable", restore))
          }
          this.fate.giveBack(held)
          return Effect.succeed(undefined)
        }),
      onSuccess: (typed) => Effect.succeed(this.work(held, job, typed, before + 1, history, firstAt))
    })
  }

  private work(
    held: Held,
    job: Held["job"],
    { payload, trace }: JobQueue.Typed<A>,
    attempt: number,
    history: Letter | undefined,
    firstAt: number | undefined
  ): Work<A> {
    return { held, inHand: { job, attempt, ack: this.inbox.acknowledge(held) }, payload, trace, history, firstAt }
  }

  private none(done: Effect.Effect<void>): Effect.Effect<undefined> {
    return Effect.as(done, undefined)
  }
}

/** Whether the fibre at hand has been interrupted, whatever it does about it. */
const isInterrupted: Effect.Effect<boolean> = Effect.withFiberRuntime<boolean>((fiber) =>
  Effect.succeed(!Cause.isEmpty(fiber.getFiberRef(FiberRef.interruptedCause)))
)
