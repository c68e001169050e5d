import { Layer, Logger, LogLevel } from "effect"

/** A layer that logs errors alone: links that break are warnings, and expected in these tests. */
export const quiet = <A, E, R>(layer: Layer.Layer<A, E, R>) =>
  Layer.provide(layer, Logger.minimumLogLevel(LogLevel.Error))
