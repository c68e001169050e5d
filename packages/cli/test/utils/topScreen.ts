/** The screen of `disco top` in this process, while keys are pressed. */
import type { DisquePool } from "@disco/core"
import { VirtualTime } from "@disco/embedded"
import { Duration, Effect } from "effect"
import { plain } from "../../src/output/text.js"
import type { Picture, Size } from "../../src/screen/paint.js"
import type { ScreenEvent } from "../../src/screen/Screen.js"
import { run } from "../../src/top/run.js"

/** The lines of the screen after some seconds, and after each of the keys. Then `q` ends it. */
export const topScreen = (size: Size, keys: ReadonlyArray<string> = []): Effect.Effect<string, unknown, DisquePool> =>
  Effect.gen(function* () {
    let picture: Picture = { lines: [] }
    let last: Picture = picture
    const open = (onEvent: (event: ScreenEvent) => void) =>
      Effect.gen(function* () {
        const typing = Effect.gen(function* () {
          for (const name of keys) {
            yield* Effect.sleep("3 seconds")
            onEvent({ _tag: "Key", name })
          }
          yield* Effect.sleep("3 seconds")
          last = picture
          onEvent({ _tag: "Key", name: "q" })
        })
        yield* Effect.forkScoped(typing)
        return {
          size: () => size,
          hasColor: false,
          show: (shown: Picture) => {
            picture = shown
          },
          suspend: () => {},
          interrupt: () => {}
        }
      })
    const options = { pattern: undefined, every: Duration.seconds(1), timeout: Duration.seconds(5) }
    yield* VirtualTime.run(run(open, options))
    return last.lines.map((line) => plain(line).trimEnd()).join("\n")
  })
