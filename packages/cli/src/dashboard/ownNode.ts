/** The pool of the dashboard of a node of this process. */
import { DisquePool } from "@disco/core"
import { NodeDisque } from "@disco/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CliError } from "../CliError.js"

/** A pool over a socket, so that nothing is special about this node. */
export const poolOf = (address: string) =>
  Effect.mapError(
    Layer.build(
      Layer.provide(DisquePool.layer({ maxActive: 4, maxIdle: 1 }), NodeDisque.layerDialer({ nodes: [address] }))
    ),
    ({ message }) => new CliError({ message })
  )
