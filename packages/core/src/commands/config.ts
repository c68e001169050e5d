/**
 * The commands about a node's configuration.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { JsonMap } from "../internal/json.js"
import * as Reply from "../Reply.js"

/**
 * The parameters that 1.0 lets be set while it runs.
 *
 * @since 0.1.0
 * @category models
 */
export type ConfigName =
  | "aof-enqueue-jobs-once"
  | "aof-load-truncated"
  | "aof-rewrite-incremental-fsync"
  | "appendfsync"
  | "appendonly"
  | "auto-aof-rewrite-min-size"
  | "auto-aof-rewrite-percentage"
  | "client-output-buffer-limit"
  | "cluster-node-timeout"
  | "dir"
  | "hz"
  | "latency-monitor-threshold"
  | "loglevel"
  | "maxclients"
  | "maxmemory"
  | "maxmemory-policy"
  | "maxmemory-samples"
  | "no-appendfsync-on-rewrite"
  | "requirepass"
  | "slowlog-log-slower-than"
  | "slowlog-max-len"
  | "tcp-keepalive"
  | "timeout"
  | "watchdog-period"
  | (string & {})

/**
 * CONFIG GET: the parameters whose names match a pattern (`*`, `?`, `[…]`), as text. The value of `requirepass` is not hidden.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // Until the node ends, and then for good.
 * const program = Effect.gen(function* () {
 *   const { config } = yield* DisqueConnection
 *   const before = yield* config.get("maxmemory")
 *   yield* config.set("maxmemory", 2 ** 31)
 *   yield* config.rewrite
 *   yield* config.resetStatistics
 *   return before.get("maxmemory")
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const get = Command.define({
  name: "CONFIG GET",
  summary: "Gives the parameters whose names match a pattern. The value of `requirepass` is not hidden.",
  syntax: "pattern",
  method: "config.get",
  isIdempotent: true,
  encode: input.checked(
    (pattern: ConfigName): Command.Call => ({
      args: [input.text("CONFIG GET", "pattern", pattern, "the name of a parameter, or a pattern such as `max*`")]
    })
  ),
  decode: (reply): ReadonlyMap<string, string> => {
    const texts = new JsonMap<string>()
    for (const [name, value] of Reply.record(reply)) texts.set(name, Reply.text(value))
    return texts
  }
})

const maxPasswordBytes = 512
const encoder = new TextEncoder()

// What is secret is not shown, whether it was marked as such or is known to be.
const readSetting = (name: string, value: string | number | Redacted.Redacted): string => {
  const isSecret = Redacted.isRedacted(value) || name.toLowerCase() === "requirepass"
  const plain: unknown = Redacted.isRedacted(value) ? Redacted.value(value) : value
  const shown = isSecret ? "<redacted>" : input.show(plain)
  const text = typeof plain === "number" && Number.isFinite(plain) ? String(plain) : plain
  if (typeof text !== "string") return input.refuse("CONFIG SET", name, shown, "text or a number")
  input.sendable("CONFIG SET", name, text)
  if (name.toLowerCase() === "requirepass" && encoder.encode(text).length > maxPasswordBytes) {
    input.refuse("CONFIG SET", name, shown, `at most ${maxPasswordBytes} bytes`)
  }
  return text
}

/**
 * CONFIG SET: sets a parameter until the node ends. Fails with `CommandRefused` if the node does not accept the name or the value. No
 * error shows a value that is `Redacted`, or that of `requirepass`.
 *
 * @see {@link get}
 * @since 0.1.0
 * @category commands
 */
export const set = Command.define({
  name: "CONFIG SET",
  summary: "Sets a parameter, until the node ends.",
  syntax: "name value",
  method: "config.set",
  isIdempotent: true,
  encode: input.checked((name: ConfigName, value: string | number | Redacted.Redacted): Command.Call => {
    const word = input.matching(
      "CONFIG SET",
      "name",
      name,
      /^[A-Za-z0-9-]+$/,
      "the name of a parameter, such as `maxmemory`"
    )
    const text = readSetting(word, value)
    const isSecret = Redacted.isRedacted(value) || word.toLowerCase() === "requirepass"
    return { args: [word, text], secret: isSecret && text !== "" ? text : undefined }
  }),
  decode: Reply.ok
})

/**
 * CONFIG REWRITE: writes the configuration to the file that the node was started with. Fails with `CommandRefused` if the node was
 * started without a file.
 *
 * @see {@link get}
 * @since 0.1.0
 * @category commands
 */
export const rewrite = Command.define({
  name: "CONFIG REWRITE",
  summary: "Writes the configuration to the file that the node was started with.",
  method: "config.rewrite",
  isIdempotent: true,
  decode: Reply.ok
})

/**
 * CONFIG RESETSTAT: sets the counters of INFO to zero.
 *
 * @see {@link get}
 * @since 0.1.0
 * @category commands
 */
export const resetStatistics = Command.define({
  name: "CONFIG RESETSTAT",
  summary: "Sets the counters of INFO to zero.",
  method: "config.resetStatistics",
  isIdempotent: true,
  decode: Reply.ok
})
