/** `disco serve`: embedded nodes in the foreground. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { parsePort, portIs, serveNodes } from "./nodes.js"

const units: Record<string, number> = { "": 1, b: 1, k: 1e3, kb: 1024, m: 1e6, mb: 1024 ** 2, g: 1e9, gb: 1024 ** 3 }

const parseMemory = (text: string): Option.Option<number> => {
  const [, digits = "", unit = ""] = /^(\d+)([a-z]*)$/i.exec(text) ?? []
  const factor = units[unit.toLowerCase()]
  return digits !== "" && factor !== undefined ? Option.some(Number(digits) * factor) : Option.none()
}

// As text, because @effect/cli refuses a repeated integer option that is not given.
const ports = Options.text("port").pipe(
  Options.withDescription(
    "The port to listen on, 7711 unless told otherwise; several run as many nodes of one cluster"
  ),
  Options.repeated,
  Options.filterMap((ports) => Option.all(ports.map(parsePort)), portIs)
)

const host = Options.text("host").pipe(
  Options.withDescription("The IP address to listen on"),
  Options.withDefault("127.0.0.1")
)

const requirepass = Options.redacted("requirepass").pipe(
  Options.withDescription("The password that clients have to give"),
  Options.optional
)

const maxmemory = Options.text("maxmemory").pipe(
  Options.withDescription("The memory of a node, in bytes or with a unit (100mb)"),
  Options.filterMap(parseMemory, "--maxmemory takes a number of bytes, or one with a unit: 100mb"),
  Options.optional
)

const controlPort = Options.text("control-port").pipe(
  Options.withDescription(
    "For tests: a port of 127.0.0.1 where HTTP kills and restarts nodes, without a password (POST /nodes/7711/kill)"
  ),
  Options.filterMap(parsePort, "--control-port takes a number from 0 (any free port) to 65535"),
  Options.optional
)

export const serve = Command.make("serve", { controlPort, host, maxmemory, ports, requirepass }, (options) =>
  Effect.gen(function* () {
    const ended = yield* Deferred.make<void>()
    const ports = options.ports.length > 0 ? options.ports : [7711]
    let running = ports.length
    const addresses = yield* serveNodes({
      host: options.host,
      ports,
      requirepass: Option.getOrUndefined(options.requirepass),
      maxmemory: Option.getOrUndefined(options.maxmemory),
      controlPort: Option.getOrUndefined(options.controlPort),
      onShutdown: () => {
        running -= 1
        if (running === 0) Deferred.unsafeDone(ended, Effect.void)
      }
    })
    yield* Console.log(
      addresses.length === 1
        ? `an embedded Disque node listens on ${addresses[0]} (Ctrl-C ends it)`
        : `embedded Disque nodes of one cluster listen on ${addresses.join(", ")} (Ctrl-C ends them)`
    )
    yield* Deferred.await(ended)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Run an embedded Disque node in the foreground"))
