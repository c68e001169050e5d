import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Chaos from "./chaos.js"

describe("chaos", () => {
  it.live(
    "nodes killed, frozen and leaving, links cut and consumers interrupted lose none of 5,000 jobs",
    () =>
      Effect.gen(function* () {
        const report = yield* Chaos.run({ jobs: 5000, faults: 50, seed: "short", pause: "200 millis" })
        const { isKept, lines } = Chaos.format(report)
        assert.isTrue(isKept, lines.join("\n"))
        assert.strictEqual(report.left, 0)
      }),
    120_000
  )
})
