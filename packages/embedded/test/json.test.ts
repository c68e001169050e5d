import {
  Commands,
  ConnectionError,
  type DisqueCommands,
  DisqueConnection,
  DisquePool,
  GetJobTimeout,
  OutcomeUnknown,
  PoolExhausted,
  Reply
} from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Exit, Redacted, Stream } from "effect"
import { EmbeddedDisque } from "../src/index.js"

type Member = Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown> | ((...args: Array<unknown>) => Member)

const isStream = (value: unknown): value is Stream.Stream<unknown, unknown> =>
  typeof value === "object" && value !== null && Stream.StreamTypeId in value

const methodsOf = (group: object, path = ""): ReadonlyArray<readonly [path: string, member: Member]> =>
  Object.entries(group).flatMap(([name, value]) =>
    typeof value === "function" || Effect.isEffect(value) || isStream(value)
      ? [[`${path}${name}`, value as Member] as const]
      : methodsOf(value, `${path}${name}.`)
  )

const run = (member: Member, args: ReadonlyArray<unknown>): Effect.Effect<unknown, unknown> => {
  const made = typeof member === "function" ? member(...args) : member
  return isStream(made) ? Stream.runCollect(made) : (made as Effect.Effect<unknown, unknown>)
}

/** What gives commands and not values, or never ends. */
const others: ReadonlySet<string> = new Set(["on", "connection", "consume"])

/** The arguments of the methods that need some. */
const argumentsOf = (id: string): Record<string, ReadonlyArray<unknown>> => ({
  addJob: ["q", "body"],
  addJobs: [[{ queue: "q", body: "body" }]],
  addJobsFrom: [Stream.make({ queue: "q", body: "body" })],
  getJob: ["q"],
  getJobs: ["q"],
  ...Object.fromEntries(
    ["ackJob", "fastAckJob", "nackJob", "enqueueJob", "dequeueJob", "deleteJob", "working"].map((name) => [name, [id]])
  ),
  show: [id],
  queueLength: ["q"],
  queueStats: ["q"],
  oldestAge: ["q"],
  peek: ["q"],
  pause: ["q", "state"],
  raw: ["SHOW", id],
  execute: [Either.getOrThrow(Commands.show.make(id))],
  "server.auth": [Redacted.make("secret")],
  "server.debug": ["STRUCTSIZE"],
  "cluster.meet": ["127.0.0.1", 7799],
  "cluster.forget": ["a".repeat(40)],
  "cluster.setLeaving": [false],
  "config.get": ["*"],
  "config.set": ["maxmemory", 1_000_000_000],
  "client.kill": [{ id: 99 }],
  "client.setName": ["worker"],
  "latency.history": ["command"],
  "latency.graph": ["command"]
})

/** What a value is made of, as far as JSON is to tell of it. */
const holds = (value: unknown): boolean =>
  value instanceof Map ? value.size > 0 : typeof value === "object" && value !== null && Object.keys(value).length > 0

const assertTold = (value: unknown, name: string): void => {
  const told = JSON.parse(JSON.stringify(value) ?? "null")
  if (holds(value)) assert.isTrue(holds(told), `${name} tells nothing: ${JSON.stringify(value)}`)
}

/** What removes the job that the others are about, and then what ends the node. */
const last: ReadonlyArray<string> = ["working", "deleteJob", "ackJob", "fastAckJob", "cluster.reset", "server.shutdown"]

const tellAll = (disque: DisqueCommands) =>
  Effect.gen(function* () {
    const methods = methodsOf(disque)
      .filter(([name]) => !others.has(name))
      .sort(([a], [b]) => last.indexOf(a) - last.indexOf(b))
    assert.isAbove(methods.length, 50)
    yield* disque.config.set("slowlog-log-slower-than", 0)
    const fresh = Effect.orElseSucceed(disque.addJob("q", Uint8Array.of(255, 0)), () => "D-gone")
    for (const [name, member] of methods) {
      const exit = yield* Effect.exit(run(member, argumentsOf(yield* fresh)[name] ?? []))
      assert.notStrictEqual(Exit.isFailure(exit) && exit.cause._tag, "Die", name)
      if (Exit.isSuccess(exit)) assertTold(exit.value, name)
      else if (exit.cause._tag === "Fail") assertTold(exit.cause.error, name)
    }
  })

describe("JSON", () => {
  it.effect("takes what every method of a connection gives, and every error", () =>
    Effect.flatMap(DisqueConnection, tellAll).pipe(Effect.provide(EmbeddedDisque.layerConnection))
  )

  it.effect("takes what every method of a pool gives, and every error", () =>
    Effect.flatMap(DisquePool, tellAll).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("has 64-bit integers as their digits, maps as objects, and bodies as text or as base64", () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      const shown = (value: unknown) => JSON.parse(JSON.stringify(value))
      const text = yield* disque.addJob("q", "text")
      const bytes = yield* disque.addJob("q", Uint8Array.of(255, 0))
      const stats = shown(yield* disque.queueStats("q")).value
      assert.deepStrictEqual([stats.jobsIn, stats.nodes[0].jobsOut, stats.nodes[0].fields.len], ["2", "0", 2])
      const { value } = shown(yield* disque.show(text))
      assert.strictEqual(value.ctime, "0")
      assert.deepStrictEqual([value.body, shown(yield* disque.show(bytes)).value.body], ["text", { base64: "/wA=" }])
      assert.strictEqual(shown(yield* disque.server.info()).jobs.registered_jobs, 2)
      assert.strictEqual(shown(yield* disque.config.get("maxmemory")).maxmemory, "1073741824")
      const raw = yield* disque.raw("SHOW", text)
      assert.isTrue(Array.isArray(raw) && raw.some((item) => typeof item === "string" || item instanceof Uint8Array))
      assert.include(JSON.stringify(raw), `"${text}"`)
    }).pipe(Effect.provide(EmbeddedDisque.layerConnection))
  )

  it("takes integers beyond 2⁵³ in the reply to any command", () => {
    const reply = Reply.plain([["ctime", 2n ** 63n - 1n], 1])
    assert.strictEqual(JSON.stringify(reply), '[["ctime","9223372036854775807"],1]')
  })

  it("takes errors with all that caused them, whatever the transport said", () => {
    const strange: Error & { self?: unknown; size?: bigint } = new Error("broken")
    strange.self = strange
    strange.size = 1n
    const lost = new ConnectionError({ node: "a:1", reason: "failed", cause: strange })
    const unreachable = new ConnectionError({ node: "a:1", reason: "unreachable", attempts: [lost] })
    const unknown = new OutcomeUnknown({
      command: "ADDJOB",
      queue: "q",
      node: "a:1",
      cause: lost,
      again: () => Either.getOrThrow(Commands.addJob.make("q", "secret"))
    })
    for (const error of [lost, unreachable, unknown]) assert.include(JSON.stringify(error), "broken")
    assert.notInclude(JSON.stringify(unknown), "secret")
    for (const error of [
      new PoolExhausted({ maxActive: 1, waiting: 1, waited: Duration.nanos(1n) }),
      new GetJobTimeout({ queues: ["q"], timeout: Duration.infinity })
    ]) {
      assert.strictEqual(JSON.parse(JSON.stringify(error))._tag, error._tag)
    }
  })
})
