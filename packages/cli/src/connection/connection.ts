/** The cluster that the options of a command name, and a pool to talk to it. */
import type { DisquePool, InvalidArgument } from "@disco/core"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as ConfigError from "effect/ConfigError"
import * as Layer from "effect/Layer"
import type { CliError, UsageError } from "../CliError.js"
import type { Dialing } from "./Dialing.js"
import type { ClusterInput } from "./options.js"
import * as pool from "./pool.js"
import { resolve } from "./resolve.js"
import { Settings } from "./Settings.js"

export const layer = (
  given: ClusterInput,
  lazyConnect: boolean
): Layer.Layer<
  DisquePool | Settings,
  CliError | UsageError | InvalidArgument | ConfigError.ConfigError,
  Dialing | FileSystem.FileSystem | Path.Path
> => Layer.provideMerge(pool.layer(lazyConnect), Layer.effect(Settings, resolve(given)))
