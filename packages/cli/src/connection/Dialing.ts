/** How links to nodes are opened: over sockets, or in a test to nodes in the process. */
import type { DisqueDialer, InvalidArgument } from "@disco/core"
import * as Context from "effect/Context"
import type * as Layer from "effect/Layer"
import type { Settings } from "./Settings.js"

export class Dialing extends Context.Tag("@disco/cli/Dialing")<
  Dialing,
  (settings: Settings.Service) => Layer.Layer<DisqueDialer, InvalidArgument>
>() {}
