/** Takes the screen and then fails, as the first argument says: for the tests of what is left of a terminal. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { open } from "../../src/screen/processScreen.js"

const [how] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const screen = yield* open(() => {})
  screen.show({ lines: ["about to fail"] })
  yield* Effect.sleep("300 millis")
  if (how === "defect") return yield* Effect.die(new Error("a defect of the program"))
  if (how === "exit") return yield* Effect.sync(() => process.exit(3))
  setTimeout(() => {
    throw new Error("an exception of a callback")
  })
  return yield* Effect.never
})

NodeRuntime.runMain(Effect.scoped(program))
