import { describe, it } from "@effect/vitest"
import { behavior } from "../../src/behavior.js"
import { DisqueServer } from "../../src/index.js"

if (DisqueServer.missing) {
  describe(`on a real server${DisqueServer.note}`, () => it.skip("all of the suite", () => {}))
} else {
  behavior({
    name: "on a real server",
    time: "real",
    layer: DisqueServer.layer({ slice: "500 millis", maxActive: 2, acquireTimeout: "500 millis" })
  })
}
