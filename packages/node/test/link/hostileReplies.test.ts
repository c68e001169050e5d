import { readFileSync } from "node:fs"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { DisqueConnection } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Option, Runtime, Schedule, Stream } from "effect"
import { NodeDisque } from "../../src/index.js"

type Notation = { readonly [kind: string]: unknown }

const encode = (notation: Notation): string => {
  const [[kind = "", value] = []] = Object.entries(notation)
  if (value === null) return kind === "*" ? "*-1\r\n" : "$-1\r\n"
  if (kind === "$" || kind === "$hex") {
    const bytes = Buffer.from(String(value), kind === "$" ? "utf8" : "hex")
    return `$${bytes.length}\r\n${bytes.toString("latin1")}\r\n`
  }
  if (kind !== "*") return `${kind}${Buffer.from(String(value)).toString("latin1")}\r\n`
  const items = value as ReadonlyArray<Notation>
  return `*${items.length}\r\n${items.map(encode).join("")}`
}

/** What a node of Disque replied to commands of every kind. */
const valid: ReadonlyArray<Buffer> = (
  JSON.parse(readFileSync(new URL("../../../core/test/data/replies.json", import.meta.url), "utf8")) as ReadonlyArray<{
    readonly reply: Notation
  }>
)
  .filter(({ reply }) => !("closed" in reply))
  .map(({ reply }) => Buffer.from(encode(reply), "latin1"))

const evil: ReadonlyArray<Buffer> = [
  "*5000000000\r\n",
  "*4294967295\r\n:1\r\n",
  "$4294967296\r\nx",
  "$99999999999999999999\r\n",
  `:${"9".repeat(100_000)}\r\n`,
  "*1\r\n".repeat(100_000),
  `*3\r\n$1\r\nq\r\n${"*1\r\n".repeat(40)}`,
  `-${"E".repeat(200_000)}\r\n`,
  `$200000\r\n${"9".repeat(200_000)}\r\n`,
  "HTTP/1.1 400 Bad Request\r\n\r\n",
  "\0".repeat(100),
  ""
].map((text) => Buffer.from(text, "latin1"))

interface Damage {
  readonly kind: "flip" | "insert" | "remove" | "cut" | "double"
  readonly at: number
  readonly byte: number
}

const damages: FastCheck.Arbitrary<Damage> = FastCheck.record({
  kind: FastCheck.constantFrom("flip", "insert", "remove", "cut", "double"),
  at: FastCheck.nat(2000),
  byte: FastCheck.oneof(FastCheck.constantFrom(...Buffer.from("*$:+-\r\n0129")), FastCheck.nat(255))
})

const damage = (bytes: Buffer, { at: position, byte, kind }: Damage): Buffer => {
  const at = bytes.length === 0 ? 0 : position % bytes.length
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
  if (kind === "insert") return Buffer.concat([head, Buffer.of(byte), tail])
  if (kind === "remove") return Buffer.concat([head, tail.subarray(1)])
  if (kind === "cut") return Buffer.from(head)
  if (kind === "double") return Buffer.concat([head, tail.subarray(0, byte), tail])
  return Buffer.concat([head, Buffer.of(byte), tail.subarray(1)])
}

const replies = FastCheck.tuple(
  FastCheck.oneof(
    { weight: 8, arbitrary: FastCheck.constantFrom(...valid) },
    { weight: 3, arbitrary: FastCheck.constantFrom(...evil) },
    { weight: 1, arbitrary: FastCheck.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)) }
  ),
  FastCheck.array(damages, { maxLength: 4 }),
  FastCheck.integer({ min: 1, max: 3000 })
).map(([bytes, all, size]) => {
  const damaged = all.reduce(damage, bytes)
  const chunks: Array<Buffer> = []
  // Many writes of a few bytes would be but slow.
  const step = Math.max(size, Math.ceil(damaged.length / 20))
  for (let at = 0; at < damaged.length; at += step) chunks.push(damaged.subarray(at, at + step))
  return chunks
})

const id = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1"
const hello = `*3\r\n:1\r\n$40\r\n${"a".repeat(40)}\r\n*4\r\n$40\r\n${"a".repeat(40)}\r\n$0\r\n\r\n$4\r\n7711\r\n$1\r\n1\r\n`

/** A node that greets as it should, and then replies whatever it is told to. */
const hostilePeer = Effect.acquireRelease(
  Effect.async<{ next: ReadonlyArray<Buffer>; readonly port: number; readonly close: () => void }>((resume) => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      // A reply in pieces would wait for the client to confirm the first piece, 40 ms each time.
      socket.setNoDelay(true)
      socket.on("error", () => {})
      socket.on("close", () => sockets.delete(socket))
      socket.on("data", (data) => {
        const text = data.toString("latin1")
        if (/^\*1\r\n\$4\r\nPING\r\n/i.test(text)) socket.write("+PONG\r\n")
        else if (/^\*1\r\n\$5\r\nHELLO\r\n/i.test(text)) socket.write(hello)
        else for (const chunk of peer.next) socket.write(chunk)
      })
    })
    const close = () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
    const peer = { next: [] as ReadonlyArray<Buffer>, port: 0, close }
    server.listen(0, "127.0.0.1", () => {
      peer.port = (server.address() as AddressInfo).port
      resume(Effect.succeed(peer))
    })
  }),
  ({ close }) => Effect.sync(close)
)

type Ask = (disque: DisqueConnection.Service) => Effect.Effect<unknown, unknown>

const asks: ReadonlyArray<Ask> = [
  (disque) => disque.addJob("q", "body", { timeout: 50 }),
  (disque) => disque.addJobs(["a", "b"].map((body) => ({ queue: "q", body, options: { timeout: 50 } }))),
  (disque) => disque.getJobs("q", { timeout: 20, count: 5 }),
  (disque) => disque.ackJob(id),
  (disque) => disque.nackJob(id),
  (disque) => disque.working(id),
  (disque) => disque.show(id),
  (disque) => disque.peek("q", { count: 3 }),
  (disque) => disque.queueLength("q"),
  (disque) => disque.queueStats("q"),
  (disque) => disque.pause("q", "in"),
  (disque) => Stream.runDrain(Stream.take(disque.queues(), 10)),
  (disque) => Stream.runDrain(Stream.take(disque.jobs(), 10)),
  (disque) => disque.server.info(),
  (disque) => disque.server.time,
  (disque) => disque.server.commands,
  (disque) => disque.client.list,
  (disque) => disque.cluster.nodes,
  (disque) => disque.cluster.info,
  (disque) => disque.config.get("*"),
  (disque) => disque.slowlog.get(),
  (disque) => disque.latency.latest,
  (disque) => disque.raw("ANY")
]

/** Asks a node of its own, which replies the bytes given; what comes of it is a result or an error. */
const attempt = (ask: Ask, chunks: ReadonlyArray<Buffer>): Effect.Effect<void> =>
  Effect.scoped(
    Effect.gen(function* () {
      const peer = yield* hostilePeer
      peer.next = chunks
      const layer = NodeDisque.layerConnection({
        nodes: `127.0.0.1:${peer.port}`,
        commandTimeout: 100,
        retry: Schedule.stop
      })
      const asked = Effect.provide(Effect.flatMap(DisqueConnection, ask), layer)
      const exit = yield* Effect.exit(Effect.timeoutOption(asked, "8 seconds"))
      if (Exit.isSuccess(exit)) {
        assert.isTrue(Option.isSome(exit.value), "it hangs")
      } else {
        assert.deepStrictEqual([...Cause.defects(exit.cause)], [])
        assert.isTrue(Option.isSome(Cause.failureOption(exit.cause)))
      }
    })
  )

describe("whatever a node replies", () => {
  it.scopedLive("ends a command of any kind in time, with a result or an error of its type", () =>
    Effect.gen(function* () {
      const run = Runtime.runPromise(yield* Effect.runtime<never>())
      const before = process.memoryUsage().rss
      // Most of the time goes into waiting for what does not come, so that many do that at once.
      const exchange = FastCheck.tuple(FastCheck.constantFrom(...asks), replies)
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(FastCheck.array(exchange, { minLength: 1, maxLength: 25 }), (exchanges) =>
            run(
              Effect.forEach(exchanges, ([ask, chunks]) => attempt(ask, chunks), {
                concurrency: "unbounded",
                discard: true
              })
            )
          ),
          { numRuns: 10 }
        )
      )
      assert.isBelow(process.memoryUsage().rss - before, 300_000_000)
    })
  )
})
