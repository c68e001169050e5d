import { DisquePool } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { emails } from "./emails.js"

const program = Effect.gen(function* () {
  const pool = yield* DisquePool
  const id = yield* emails.add(pool, { to: process.argv[2] ?? "ada@example.com", subject: "Welcome" })
  yield* Console.log(`added ${id}`)
})

NodeRuntime.runMain(Effect.provide(program, NodeDisque.layerPoolConfig()))
