/** Runs `disco demo`: through an embedded node, or through the cluster that DISQUE_NODES names. */
import { NodeAddress, NodeDisque } from "@disco/node"
import * as Path from "@effect/platform/Path"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { withOnlyLogger } from "../internal/runtime.js"
import { serveNodes } from "../nodes.js"
import * as Demo from "./demo.js"
import * as Screen from "./screen.js"

// Folders of a checkout that do not belong to the project.
const notOwn = new Set(["node_modules", ".git", "dist", "build", "coverage"])

// Short, so that Ctrl-C need not wait long for the last reply.
const slice = "400 millis"

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

export const run = (given: { readonly folder: string | undefined; readonly port: number }) =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    // npm runs scripts in the project's folder, not in the user's.
    const here = yield* Config.string("INIT_CWD").pipe(Config.withDefault("."))
    const nodes = yield* Config.option(Config.nonEmptyString("DISQUE_NODES"))
    const { pool, through } = yield* Option.match(nodes, { onNone: () => embedded(given.port), onSome: cluster })
    const chosen =
      given.folder === undefined
        ? { folder: path.resolve("."), skipped: notOwn }
        : { folder: path.resolve(here, given.folder), skipped: new Set<string>() }
    const screen = yield* Screen.make
    yield* Effect.provide(Demo.run({ ...chosen, through, screen }), pool).pipe(withOnlyLogger(screen.logger))
  }).pipe(Effect.scoped, Effect.provide(NodeTerminal.layer))
