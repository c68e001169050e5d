/** Links over sockets. */

import type { DisqueDialer, InvalidArgument } from "@disco/core"
import { NodeDisque } from "@disco/node"
import type * as Layer from "effect/Layer"
import { connectTimeout } from "./pool.js"
import type { Settings } from "./Settings.js"

export const dialer = (settings: Settings.Service): Layer.Layer<DisqueDialer, InvalidArgument> => {
  const { nodes, password, tls } = settings
  return NodeDisque.layerDialer({ nodes, password, tls, connectTimeout: connectTimeout(settings) })
}
