/** What all nodes know of one job, put together: where its copies are, and what happened to it and will happen, in the order of time. */
import * as Duration from "effect/Duration"
import type { JobState } from "../../Job.js"
import type { JobId } from "../../JobId.js"
import type { Copy } from "./nodes.js"
import { stateOf } from "./nodes.js"

/** A copy, and the time of the node that has it, in milliseconds since 1970. */
export interface TimedCopy extends Copy {
  readonly now: number
}

/** Something that happens to a job. */
export interface Event {
  /** Milliseconds since 1970, by the clock of the node that tells of it. */
  readonly at: number
  /** How long until then, in milliseconds; less than 0 if it is past. */
  readonly inMillis: number
  readonly kind: "created" | "queued" | "renewed" | "requeue" | "expiry"
  readonly text: string
}

export interface Story {
  readonly id: JobId
  /** Null if the nodes know only an acknowledgement of the job. */
  readonly queue: string | null
  readonly state: JobState
  /** The state in words, with the nodes that it is about. */
  readonly stateText: string
  readonly copies: ReadonlyArray<TimedCopy>
  /** The copy that tells most: on a node with the job in that state. */
  readonly main: TimedCopy
  readonly events: ReadonlyArray<Event>
}

const addresses = (copies: ReadonlyArray<TimedCopy>): string => copies.map(({ node }) => node.address).join(", ")

const createdAt = ({ info }: TimedCopy): number => Number(info.ctime / 1_000_000n)

const millisOf = (time: Duration.Duration): number => Duration.toMillis(time)

/** Whether the job waits for its delay: it was never queued. */
const isDelayed = (copy: TimedCopy): boolean =>
  copy.info.state === "active" && copy.now < createdAt(copy) + millisOf(copy.info.delay)

const stateTextOf = (state: JobState, copies: ReadonlyArray<TimedCopy>, main: TimedCopy): string => {
  const where = addresses(copies.filter(({ info }) => info.state === state))
  if (state === "queued") return `queued on ${where}`
  if (state === "acked") return `acknowledged, as ${where} knows`
  if (state === "wait-repl") return `waits for its copies, on ${where}`
  return isDelayed(main) ? "waits for its delay" : "delivered, and not acknowledged"
}

const eventsOf = (state: JobState, main: TimedCopy): ReadonlyArray<Event> => {
  const { info, now } = main
  if (info.queue === null) return []
  const created = createdAt(main)
  const [delay, retry, left] = [millisOf(info.delay), millisOf(info.retry), millisOf(info.ttl)]
  const event = (at: number, kind: Event["kind"], text: string): Event => ({ at, inMillis: at - now, kind, text })
  const events = [event(created, "created", "created")]
  const isWaiting = isDelayed(main)
  if (delay > 0)
    events.push(
      event(created + delay, "queued", isWaiting ? "queued, after its delay" : "queued first, after its delay")
    )
  if (state !== "acked") {
    const next = info.nextRequeueWithin === null ? undefined : now + millisOf(info.nextRequeueWithin)
    if (next !== undefined && !isWaiting) {
      // The retry clock starts when the job is queued, and again when a consumer says that it is at work.
      const began = next - retry
      const isFirst = began - (created + delay) < 1000
      // While a job waits in its queue, the clock goes round.
      if (state === "active" && retry > 0 && began <= now && !isFirst) {
        events.push(event(began, "renewed", "queued again, or renewed by its consumer (WORKING)"))
      }
      const unless = state === "queued" ? "if it was taken by then and not acknowledged" : "unless it is acknowledged"
      if (next > now) events.push(event(next, "requeue", `queued again, ${unless}`))
    }
  }
  events.push(event(now + left, "expiry", "deleted, done or not"))
  return events.sort((a, b) => a.at - b.at)
}

/** Puts together what nodes know; there is one copy at least. */
export const storyOf = (id: JobId, copies: readonly [TimedCopy, ...ReadonlyArray<TimedCopy>]): Story => {
  const state = stateOf(copies)
  const whole = copies.filter(({ info }) => info.queue !== null)
  const main = whole.find(({ info }) => info.state === state) ?? whole[0] ?? copies[0]
  // A node that has a copy without having delivered it would queue the job later than the one that did.
  const soonest = whole
    .filter(({ info }) => info.state === main.info.state)
    .reduce((best, copy) => {
      const [a, b] = [best.info.nextRequeueWithin, copy.info.nextRequeueWithin]
      return b !== null && (a === null || Duration.lessThan(b, a)) ? copy : best
    }, main)
  return {
    id,
    queue: main.info.queue,
    state,
    stateText: stateTextOf(state, copies, soonest),
    copies,
    main: soonest,
    events: eventsOf(state, soonest)
  }
}
