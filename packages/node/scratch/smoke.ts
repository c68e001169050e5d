import { DisqueConnection, DisquePool, Job } from "@disco/core"
import { NodeDisque } from "../src/index.js"
import { Effect, Redacted } from "effect"
const program = Effect.gen(function* () {
  const d = yield* DisqueConnection
  yield* d.ping
  console.log(yield* d.hello)
  const id = yield* d.addJob("q", "hello", { retry: "1 minute" })
  const job = yield* d.getJob("q", { timeout: "2 seconds" })
  console.log(id, job, Job.text(job), yield* d.show(job), yield* d.working(job), yield* d.ackJob(job))
  console.log(yield* Effect.either(d.getJob("q", { timeout: "300 millis" })))
  console.log(yield* Effect.either(d.addJob("q", "x", { delay: "1500 millis" })), yield* Effect.either(d.addJob("q", "x", { delay: -5 })), yield* Effect.either(d.addJob("", "x")))
  console.log(yield* Effect.either(d.working("D-00000000-000000000000000000000000-05a1")), yield* Effect.either(d.ackJob("foo")))
  const t0 = Date.now()
  const r = yield* d.getJob("empty").pipe(Effect.timeoutOption("300 millis"))
  console.log("interrupted after", Date.now() - t0, r)
  yield* d.addJob("empty", "back")
  console.log(yield* d.getJobs("empty", {timeout: "3 seconds"}))
})
const t = Date.now()
await Effect.runPromise(program.pipe(Effect.provide(NodeDisque.layerConnection({ nodes: process.argv[2] ?? "127.0.0.1:17701" }))))
console.log("closed", Date.now() - t)
for (const nodes of ["127.0.0.1:1", "nosuchhost.invalid:7711", "localhost:abc", "a b", "127.0.0.1:1,127.0.0.1:2"]) console.log(nodes, String(await Effect.runPromise(Effect.flip(Effect.provide(Effect.asVoid(DisqueConnection), NodeDisque.layerConnection({ nodes }))))))
console.log(String(await Effect.runPromise(Effect.either(Effect.provide(Effect.asVoid(DisqueConnection), NodeDisque.layerConnection({ nodes: "127.0.0.1:17701", password: Redacted.make("xx") }))))))
