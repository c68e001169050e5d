/**
 * A process with a node on disk under load, which tells on its output what was answered. It begins once it is told on its input, as
 * JSON, the options of the node: what it needs is loaded before.
 */
import { writeSync } from "node:fs"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { type DurableOptions, EmbeddedDisque } from "../../src/EmbeddedDisque.js"
import { dial, say, text } from "./ask.js"

/** A pipe keeps what is written to it, whenever the process is killed. It may be full for a moment. */
const tell = (what: string) =>
  Effect.sync(() => {
    const line = Buffer.from(`${what}\n`)
    for (let at = 0; at < line.length; ) {
      try {
        at += writeSync(1, line, at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      }
    }
  })

const worker = (number: number) =>
  Effect.gen(function* () {
    const link = yield* dial(1)
    for (let serial = 0; ; serial++) {
      const id = yield* text(link, "ADDJOB", `q${number}`, `job ${serial}`, "0")
      yield* tell(`added ${id}`)
      if (serial % 8 === 0) continue
      yield* tell(`acking ${id}`)
      const acked = yield* say(link, "ACKJOB", id)
      yield* tell(acked === 1 ? `acked ${id}` : `unexpected ${acked}`)
    }
  })

const rewrites = Effect.gen(function* () {
  const link = yield* dial(1)
  yield* Effect.forever(Effect.delay(say(link, "BGREWRITEAOF"), 1))
})

const program = Effect.gen(function* () {
  const link = yield* dial(1)
  const [, ids] = (yield* say(link, "JSCAN", "0", "BUSYLOOP")) as [string, ReadonlyArray<string>]
  for (const id of ids) yield* tell(`found ${id}`)
  yield* tell("ready")
  const workers = Array.from({ length: 8 }, (_, number) => worker(number))
  yield* Effect.all([rewrites, ...workers], { concurrency: "unbounded", discard: true })
})

const node = (options: DurableOptions) =>
  Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer(options)).pipe(
    Layer.merge(Logger.remove(Logger.defaultLogger)),
    Layer.provide(Layer.merge(NodeFileSystem.layer, NodePath.layer))
  )

process.stdin.once("data", (options) => {
  Effect.runFork(
    Effect.scoped(program).pipe(
      Effect.provide(node(JSON.parse(String(options)))),
      Effect.catchAllCause((cause) => tell(`unexpected ${cause}`))
    )
  )
})
