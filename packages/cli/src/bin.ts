#!/usr/bin/env node
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Dialing } from "./connection/Dialing.js"
import { endingStatus, watch } from "./ending.js"
import { main } from "./main.js"
import { processStreams } from "./processStreams.js"
import { Streams } from "./Streams.js"

watch()

const words = process.argv.slice(2)

// What was written in the process list is overwritten: the address of a node may hold its password.
if (words.some((word) => word.includes("@") || word.startsWith("--requirepass"))) process.title = "disco"

const sockets = Layer.succeed(Dialing, (settings) =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.promise(() => import("./connection/sockets.js")),
      ({ dialer }) => dialer(settings)
    )
  )
)

main(words).pipe(
  Effect.tap((status) =>
    Effect.sync(() => {
      process.exitCode = status
    })
  ),
  Effect.provide(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, sockets, Layer.succeed(Streams, processStreams))),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    // All that was written has been taken: what is still open, such as standard input, need not end by itself.
    teardown: (exit) => process.exit(endingStatus() ?? (Exit.isSuccess(exit) ? process.exitCode : 1))
  })
)
