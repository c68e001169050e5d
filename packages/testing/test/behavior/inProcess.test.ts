import { behavior } from "../../src/behavior.js"
import { DiscoTest } from "../../src/index.js"

behavior({
  name: "on an embedded node in the process",
  time: "virtual",
  layer: DiscoTest.layer({ pool: { maxActive: 2, acquireTimeout: "500 millis" } })
})
