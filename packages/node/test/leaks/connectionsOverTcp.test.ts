import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NodeDisque } from "../../src/index.js"
import { embeddedOverTcp } from "../utils/embeddedOverTcp.js"
import { leftBy } from "./utils.js"

describe("connections that were opened and closed leave no socket, no timer, no fiber and no memory behind", () => {
  it.scopedLive("1,000 over TCP", () =>
    Effect.flatMap(embeddedOverTcp(), ({ address }) => leftBy(1000, NodeDisque.layerConnection({ nodes: address })))
  )
})
