/** The span of a command, made when the command has ended. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Tracer from "effect/Tracer"
import type { Command } from "../Command.js"
import type { RunningFiber } from "../internal/runtime.js"
import * as telemetry from "../internal/telemetry.js"

/** What spans need. */
export interface SpanNeeds {
  readonly clock: Clock.Clock
  readonly routes: { nodeOf(command: Command<unknown, unknown>): string }
}

type Record = (exit: Exit.Exit<unknown, unknown>) => void

/** Makes the span of a command when it is told how the command ended. Only the first call counts. */
export const recorder = (
  { clock, routes }: SpanNeeds,
  command: Command<unknown, unknown>,
  node: string | undefined,
  tracer: Tracer.Tracer,
  fiber: RunningFiber
): Record => {
  const start = clock.unsafeCurrentTimeNanos()
  let isRecorded = false
  return (exit) => {
    // The reply to a command comes even if nobody waits for it any more.
    if (isRecorded) return
    isRecorded = true
    const { name, queue, wire } = command
    telemetry.trace(tracer, fiber, {
      command: name,
      queue,
      node: node ?? routes.nodeOf(command),
      jobs: name === "ADDJOB" ? (Exit.isSuccess(exit) ? [String(exit.value)] : []) : telemetry.jobsOf(wire),
      start,
      end: clock.unsafeCurrentTimeNanos(),
      exit
    })
  }
}

/** Records how an effect ends. */
export const recording = <A, E>(effect: Effect.Effect<A, E>, record: Record): Effect.Effect<A, E> =>
  Effect.onExit(effect, (exit) => Effect.sync(() => record(exit)))
