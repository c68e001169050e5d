/** `disco demo`: jobs for the files of a folder, through an embedded node or the cluster that DISQUE_NODES names. */
import { NodeAddress, NodeDisque } from "@disco/node"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Demo from "./demo/demo.js"
import * as Screen from "./demo/screen.js"
import { withOnlyLogger } from "./internal/runtime.js"
import { parsePort, portIs, serveNodes } from "./nodes.js"

// Folders of a checkout that do not belong to the project.
const notOwn = new Set(["node_modules", ".git", "dist", "build", "coverage"])

// Short, so that Ctrl-C need not wait long for the last reply.
const slice = "400 millis"

const folder = Options.text("folder").pipe(
  Options.withDescription("The folder to work on; the project's own files unless told otherwise"),
  Options.optional
)

const port = Options.text("port").pipe(
  Options.withDescription("The port of the embedded node; any free one unless told otherwise"),
  Options.filterMap(parsePort, portIs),
  Options.withDefault(0)
)

const embedded = (port: number) =>
  Effect.map(serveNodes({ hosts: ["127.0.0.1"], ports: [port] }), ({ names }) => ({
    through: `an embedded Disque node on ${names.join()}`,
    pool: NodeDisque.layerPool({ nodes: names, slice })
  }))

// Passwords in addresses are not shown.
const cluster = (nodes: string) =>
  Effect.map(NodeAddress.parseAll(nodes, "DISQUE_NODES"), (addresses) => ({
    through: `the Disque nodes of DISQUE_NODES (${addresses.map(NodeAddress.format).join(", ")})`,
    pool: NodeDisque.layerPoolConfig({ slice })
  }))

export const demo = Command.make("demo", { folder, port }, (options) =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    // npm runs scripts in the project's folder, not in the user's.
    const here = yield* Config.string("INIT_CWD").pipe(Config.withDefault("."))
    const nodes = yield* Config.option(Config.nonEmptyString("DISQUE_NODES"))
    const { pool, through } = yield* Option.match(nodes, { onNone: () => embedded(options.port), onSome: cluster })
    const chosen = Option.match(options.folder, {
      onNone: () => ({ folder: path.resolve("."), skipped: notOwn }),
      onSome: (folder) => ({ folder: path.resolve(here, folder), skipped: new Set<string>() })
    })
    const screen = yield* Screen.make
    yield* Effect.provide(Demo.run({ ...chosen, through, screen }), pool).pipe(withOnlyLogger(screen.logger))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Watch real jobs go through Disque: one for each file of a folder"))
