/** What `disco top` changes, for keys that were answered with yes. */
import { Cluster, DisquePool } from "@disco/core"
import { DeadLetter } from "@disco/funnel"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { emptyQueue } from "../emptyQueue.js"
import { counted } from "../output/format.js"
import type { Action, Message } from "./model.js"

/** An action on the cluster. */
export type Change = Extract<Action, { readonly _tag: "Pause" | "Redrive" | "DeleteQueue" | "DeleteJob" }>

/** The action in words, while it goes on. */
export const name = (change: Change): string => {
  switch (change._tag) {
    case "Pause":
      return `${change.what === "none" ? "resuming" : "pausing"} ${change.queue}`
    case "Redrive":
      return `adding the dead letters of ${change.queue} again`
    case "DeleteQueue":
      return `deleting the jobs of ${change.queue}`
    case "DeleteJob":
      return `deleting ${change.id}`
  }
}

const pause = ({ queue, what }: Extract<Change, { readonly _tag: "Pause" }>, within: Duration.Duration) =>
  Effect.map(Cluster.pause(queue, what, { within }), (changes) => {
    const nodes = counted(changes.length, "node")
    if (what === "none") return `${queue} is not paused any more, on ${nodes}`
    const scope = what === "all" ? "" : what === "in" ? " for jobs that come in" : " for jobs that go out"
    return `${queue} is paused${scope}, on ${nodes}`
  })

const deleteQueue = (queue: string, within: Duration.Duration) =>
  Effect.gen(function* () {
    const { deleted, failures } = yield* emptyQueue(yield* DisquePool, queue, within)
    const done = `${counted(deleted, "job")} of ${queue} deleted`
    if (failures.length === 0) return done
    return yield* Effect.fail({ message: `${done}, and perhaps not all: ${failures.join("; ")}` })
  })

const deleteJob = (id: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const known = yield* pool.ackJob(id)
    return known > 0 ? `${id} is deleted` : `${id} was not known to the node that was asked: it is deleted where it is`
  })

const redrive = (queue: string) =>
  Effect.map(DeadLetter.redrive(queue), (count) => `${counted(count, "job")} added to ${queue} again`)

/** Does it, and says what came of it. */
export const run = (change: Change, within: Duration.Duration): Effect.Effect<Message, never, DisquePool> => {
  const doing: Effect.Effect<string, { readonly message: string }, DisquePool> =
    change._tag === "Pause"
      ? pause(change, within)
      : change._tag === "Redrive"
        ? redrive(change.queue)
        : change._tag === "DeleteQueue"
          ? deleteQueue(change.queue, within)
          : deleteJob(change.id)
  return Effect.match(doing, {
    onFailure: ({ message }): Message => ({ text: message, isFailure: true }),
    onSuccess: (text): Message => ({ text, isFailure: false })
  })
}
