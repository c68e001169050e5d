import * as Effect from "effect/Effect"
import type { EmbeddedOptions } from "../../src/index.js"
import { dial, layer, say } from "./ask.js"
import { SteppingClock } from "./steppingClock.js"

/** A node whose commands take as long as a test says. */
export interface TimedNode {
  readonly clock: SteppingClock
  /** Sends a command, which takes some µs, and gives its reply. */
  readonly takes: (micros: number, ...command: ReadonlyArray<string>) => Effect.Effect<unknown>
  /** Sends a command that takes no time. */
  readonly say: (...command: ReadonlyArray<string>) => Effect.Effect<unknown>
}

/** Runs a test with such a node. */
export const timed = <A, E>(
  test: (node: TimedNode) => Effect.Effect<A, E>,
  options?: EmbeddedOptions
): Effect.Effect<void> => {
  const clock = new SteppingClock()
  return Effect.gen(function* () {
    const link = yield* dial(1)
    const takes: TimedNode["takes"] = (micros, ...command) =>
      Effect.suspend(() => {
        clock.step = micros
        return Effect.orDie(
          Effect.ensuring(
            say(link, ...command),
            Effect.sync(() => (clock.step = 0))
          )
        )
      })
    yield* test({ clock, takes, say: (...command) => takes(0, ...command) })
  }).pipe(Effect.provide(layer(options)), Effect.withClock(clock), Effect.orDie)
}
