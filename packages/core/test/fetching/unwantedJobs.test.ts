import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Logger, Scope, TestClock } from "effect"
import {
  type Arguments,
  type ConnectError,
  ConnectionError,
  type ConnectionOptions,
  DisqueConnection,
  DisqueDialer,
  type DisqueLink,
  DisquePool,
  Reply
} from "../../src/index.js"
import { asText, bulk, idOf } from "../utils/fakeNodes.js"

const atLeastOnce = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1"
const atMostOnce = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a0"

/** What becomes of a command: a reply, none, or the end of its link before or after it was sent. */
type Fate = Reply.Reply | "silence" | "unsent" | "lost"

/** Nodes whose answers a test gives. HELLO and PING they answer by themselves. */
const nodesOf = (count: number) => {
  const addresses = Array.from({ length: count }, (_, i) => `node:${i + 1}`)
  const links: Array<{ readonly node: string; readonly isOpen: () => boolean; readonly lose: () => void }> = []
  /** What was sent, but for HELLO: its words behind the number of the link, in the order of the dials. */
  const sent: Array<string> = []
  const waiting: Array<{ readonly name: string; readonly reply: (reply: Reply.Reply) => void }> = []
  const nodes = {
    addresses,
    links,
    sent,
    fateOf: (_command: { readonly name: string; readonly node: string; readonly link: number }): Fate => "silence",
    /** Whether a node says nothing: then it cannot be dialed either. */
    isFrozen: (_node: string): boolean => false,
    /** Answers the commands of this name that wait. */
    reply: (to: string, reply: Reply.Reply) => {
      for (const command of waiting.splice(0)) {
        if (command.name === to) command.reply(reply)
        else waiting.push(command)
      }
    },
    sentOf: (name: string) => sent.filter((line) => line.split(" ")[1] === name),
    provide: Effect.provideService(DisqueDialer, {
      seeds: addresses.slice(0, 1),
      dial: (node) => Effect.suspend(() => dial(node))
    })
  }
  const dial = (node: string): Effect.Effect<DisqueLink> =>
    nodes.isFrozen(node) ? Effect.never : Effect.sync(() => open(node))
  const hello = (node: string): Reply.Reply => [
    1,
    bulk(idOf(node)),
    ...addresses.map((address) => {
      const [host = "", port = ""] = address.split(":")
      return [bulk(idOf(address)), bulk(host), bulk(port), bulk("1")]
    })
  ]
  const open = (node: string): DisqueLink => {
    const number = links.length
    let isOpen = true
    const pending = new Set<(outcome: Exit.Exit<Reply.Reply, ConnectionError>) => void>()
    const close = (reason: ConnectionError) => {
      isOpen = false
      for (const done of [...pending]) {
        pending.delete(done)
        done(Exit.fail(reason))
      }
    }
    const end = (reason: "lost" | "unsent") => close(new ConnectionError({ node, reason }))
    links.push({ node, isOpen: () => isOpen, lose: () => end("lost") })
    return {
      node,
      isOpen: () => isOpen,
      close,
      send: (words: Arguments, done) => {
        const [name = ""] = asText(words)
        if (name !== "HELLO") sent.push(`${number} ${asText(words).join(" ")}`)
        if (!isOpen) return done(Exit.fail(new ConnectionError({ node, reason: "unsent" })))
        const fate = nodes.isFrozen(node) ? "silence" : nodes.fateOf({ name, node, link: number })
        pending.add(done)
        const answer = (reply: Reply.Reply) => {
          if (pending.delete(done)) done(Exit.succeed(reply))
        }
        if (fate === "lost" || fate === "unsent") end(fate)
        else if (fate !== "silence") answer(fate)
        else if (nodes.isFrozen(node)) return
        else if (name === "HELLO") answer(hello(node))
        else if (name === "PING") answer(bulk("PONG"))
        else waiting.push({ name, reply: answer })
      }
    }
  }
  return nodes
}

const jobs = (...ids: ReadonlyArray<string>): Reply.Reply =>
  ids.map((id) => [bulk("q"), bulk(id), bulk("x"), bulk("nacks"), 0, bulk("additional-deliveries"), 0])

const noAuth = new Reply.ErrorReply({ text: "NOAUTH Authentication required." })

const options: ConnectionOptions = { refreshInterval: "1 hour" }

/** What is logged as a warning, or worse. */
const withLines = <A, E, R>(use: (lines: Array<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => lines.push(String(message)))
    return Effect.provide(use(lines), Logger.replace(Logger.defaultLogger, logger))
  })

/** How long an effect took, in virtual time, which passes in small steps. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.fork(Effect.zip(Effect.exit(effect), Clock.currentTimeMillis))
    yield* TestClock.adjust(0)
    while ((yield* Fiber.poll(fiber))._tag === "None") yield* TestClock.adjust("50 millis")
    const [exit, end] = yield* Fiber.join(fiber)
    return [end - start, exit] as const
  })

/** Jobs arrive for a call that is no longer there, over link 1: 0 is that for commands. Gives what closes the client. */
const arriveForNobody = (
  nodes: ReturnType<typeof nodesOf>,
  ids: ReadonlyArray<string>,
  unwanted: "enqueue" | "nack" = "enqueue"
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const pool = yield* Scope.extend(nodes.provide(DisquePool.make(options)), scope)
    const getting = yield* Effect.fork(pool.getJobs("q", { count: 9, unwanted }))
    yield* TestClock.adjust(0)
    assert.deepStrictEqual(nodes.sentOf("GETJOB").length, 1)
    yield* Fiber.interrupt(getting)
    nodes.reply("GETJOB", jobs(...ids))
    yield* TestClock.adjust(0)
    return { pool, close: Scope.close(scope, Exit.void) }
  })

const couldNot = (lines: ReadonlyArray<string>) => lines.filter((line) => line.includes("could not be given back"))

describe.concurrent("jobs that arrived for nobody", () => {
  for (const [unwanted, command] of [
    ["enqueue", "ENQUEUE"],
    ["nack", "NACK"]
  ] as const) {
    it.scoped(`go back by ${command} over the link for commands if the link that brought them lacks the password`, () =>
      withLines((lines) =>
        Effect.gen(function* () {
          const nodes = nodesOf(1)
          nodes.fateOf = ({ link, name }) => (name !== command ? "silence" : link < 2 ? noAuth : 1)
          const { close } = yield* arriveForNobody(nodes, [atLeastOnce, atMostOnce], unwanted)
          assert.deepStrictEqual(nodes.sentOf(command), [
            `1 ${command} ${atLeastOnce} ${atMostOnce}`,
            `2 ${command} ${atLeastOnce} ${atMostOnce}`
          ])
          // Both are older than the password.
          assert.isFalse(nodes.links[0]?.isOpen())
          const [took] = yield* timed(close)
          assert.strictEqual(took, 0)
          assert.deepStrictEqual(couldNot(lines), [])
        })
      )
    )

    it.scoped(`go by ${command} once more if they are refused, and not a third time`, () =>
      withLines((lines) =>
        Effect.gen(function* () {
          const nodes = nodesOf(1)
          nodes.fateOf = ({ name }) => (name === command ? noAuth : "silence")
          const { close } = yield* arriveForNobody(nodes, [atLeastOnce], unwanted)
          const [took] = yield* timed(close)
          assert.strictEqual(took, 0)
          assert.strictEqual(nodes.sentOf(command).length, 2)
          assert.strictEqual(couldNot(lines).length, 1)
        })
      )
    )

    it.scoped(`go by ${command} once more if the link broke, except for those that may not come twice`, () =>
      Effect.gen(function* () {
        const nodes = nodesOf(1)
        nodes.fateOf = ({ link, name }) => (name !== command ? "silence" : link === 1 ? "lost" : 1)
        const { close } = yield* arriveForNobody(nodes, [atMostOnce, atLeastOnce], unwanted)
        yield* timed(close)
        assert.deepStrictEqual(nodes.sentOf(command), [
          `1 ${command} ${atMostOnce} ${atLeastOnce}`,
          `0 ${command} ${atLeastOnce}`
        ])
      })
    )

    it.scoped(`go by ${command} once more, all of them, if the command certainly was not sent`, () =>
      Effect.gen(function* () {
        const nodes = nodesOf(1)
        nodes.fateOf = ({ link, name }) => (name !== command ? "silence" : link === 1 ? "unsent" : 1)
        const { close } = yield* arriveForNobody(nodes, [atMostOnce, atLeastOnce], unwanted)
        yield* timed(close)
        assert.deepStrictEqual(nodes.sentOf(command), [
          `1 ${command} ${atMostOnce} ${atLeastOnce}`,
          `0 ${command} ${atMostOnce} ${atLeastOnce}`
        ])
      })
    )
  }

  it.scoped("that may not come twice are logged as not given back if the link broke", () =>
    withLines((lines) =>
      Effect.gen(function* () {
        const nodes = nodesOf(1)
        nodes.fateOf = ({ name }) => (name === "ENQUEUE" ? "lost" : "silence")
        const { close } = yield* arriveForNobody(nodes, [atMostOnce])
        const [took] = yield* timed(close)
        assert.strictEqual(took, 0)
        assert.deepStrictEqual(nodes.sentOf("ENQUEUE"), [`1 ENQUEUE ${atMostOnce}`])
        assert.strictEqual(couldNot(lines).length, 1)
      })
    )
  )

  it.scoped("go once more over the link for commands if nobody answers before their time is up", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1)
      nodes.fateOf = ({ link, name }) => (name === "ENQUEUE" && link !== 1 ? 1 : "silence")
      yield* arriveForNobody(nodes, [atLeastOnce])
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(nodes.sentOf("ENQUEUE").length, 1)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(nodes.sentOf("ENQUEUE"), [`1 ENQUEUE ${atLeastOnce}`, `0 ENQUEUE ${atLeastOnce}`])
    })
  )

  it.scoped("go over a new link if all links are gone", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1)
      nodes.fateOf = ({ link, name }) => {
        if (name !== "ENQUEUE" || link !== 1) return name === "ENQUEUE" ? 1 : "silence"
        nodes.links[0]?.lose()
        return "lost"
      }
      yield* arriveForNobody(nodes, [atLeastOnce])
      assert.strictEqual(nodes.sentOf("ENQUEUE").length, 2)
      assert.isTrue(nodes.sentOf("ENQUEUE")[1]?.endsWith(`ENQUEUE ${atLeastOnce}`))
    })
  )

  it.scoped("do not hold up a close for longer than a slice and a bit if nobody answers", () =>
    withLines((lines) =>
      Effect.gen(function* () {
        const { close } = yield* arriveForNobody(nodesOf(1), [atLeastOnce])
        const [took] = yield* timed(close)
        assert.isAtLeast(took, 2000)
        assert.isAtMost(took, 2600)
        assert.strictEqual(couldNot(lines).length, 1)
      })
    )
  )

  for (const isFirst of [true, false]) {
    it.scoped(
      `are logged as not given back if a close ends the dial that they ${isFirst ? "begin" : "join"}, and do not hold up the close`,
      () =>
        withLines((lines) =>
          Effect.gen(function* () {
            const nodes = nodesOf(1)
            const { close, pool } = yield* arriveForNobody(nodes, [atLeastOnce])
            nodes.isFrozen = () => true
            nodes.links[0]?.lose()
            if (!isFirst) {
              yield* Effect.fork(pool.ping)
              yield* TestClock.adjust(0)
            }
            assert.strictEqual(nodes.sentOf("ENQUEUE").length, 1)
            nodes.reply("ENQUEUE", noAuth)
            yield* TestClock.adjust(0)
            assert.deepStrictEqual(couldNot(lines), [])
            const [took] = yield* timed(close)
            assert.strictEqual(took, 0)
            assert.strictEqual(couldNot(lines).length, 1)
          })
        )
    )
  }

  it.scoped("go back over another link also while the client closes", () =>
    withLines((lines) =>
      Effect.gen(function* () {
        for (const isLost of [false, true]) {
          const nodes = nodesOf(1)
          nodes.fateOf = ({ link, name }) => (name !== "ENQUEUE" ? "silence" : link === 1 ? "unsent" : 1)
          const scope = yield* Scope.make()
          const pool = yield* Scope.extend(nodes.provide(DisquePool.make(options)), scope)
          yield* Effect.fork(pool.getJobs("q"))
          yield* TestClock.adjust(0)
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* TestClock.adjust(0)
          assert.isNull(closing.unsafePoll())
          if (isLost) nodes.links[0]?.lose()
          nodes.reply("GETJOB", jobs(atMostOnce))
          yield* TestClock.adjust(0)
          assert.isNotNull(closing.unsafePoll(), "it waits")
          assert.deepStrictEqual(nodes.sentOf("ENQUEUE"), [
            `1 ENQUEUE ${atMostOnce}`,
            `${isLost ? 2 : 0} ENQUEUE ${atMostOnce}`
          ])
          assert.isTrue(nodes.links.every(({ isOpen }) => !isOpen()))
          assert.deepStrictEqual(couldNot(lines), [])
        }
      })
    )
  )

  it.scoped("hold up a close by 2 seconds at most for each late answer", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1)
      const scope = yield* Scope.make()
      const pool = yield* Scope.extend(nodes.provide(DisquePool.make(options)), scope)
      yield* Effect.fork(pool.getJobs("q"))
      yield* TestClock.adjust(0)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2400 millis")
      nodes.reply("GETJOB", jobs(atMostOnce))
      yield* TestClock.adjust("1900 millis")
      nodes.reply("ENQUEUE", noAuth)
      yield* TestClock.adjust("1900 millis")
      assert.isNull(closing.unsafePoll(), "it is over before")
      assert.strictEqual(nodes.sentOf("ENQUEUE").length, 2)
      // What came by then is read.
      yield* TestClock.adjust("200 millis")
      assert.isNotNull(closing.unsafePoll(), "it waits")
    })
  )

  /** A node says nothing while a connection of a pool closes, so that the connection gives up its GETJOB. Gives what closes the pool. */
  const afterSilence = (nodes: ReturnType<typeof nodesOf>) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const pool = yield* Scope.extend(nodes.provide(DisquePool.make(options)), scope)
      const short = yield* Scope.make()
      const connection = yield* Scope.extend(pool.connection, short)
      yield* Effect.fork(connection.getJobs("q"))
      yield* TestClock.adjust(0)
      const [took] = yield* timed(Scope.close(short, Exit.void))
      assert.isAtLeast(took, 2000)
      return { pool, close: Scope.close(scope, Exit.void) }
    })

  it.scoped("go back before the pool closes though their GETJOB had been given up", () =>
    withLines((lines) =>
      Effect.gen(function* () {
        const nodes = nodesOf(1)
        const { close } = yield* afterSilence(nodes)
        nodes.reply("GETJOB", jobs(atLeastOnce))
        const closing = yield* Effect.fork(close)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(nodes.sentOf("ENQUEUE"), [`1 ENQUEUE ${atLeastOnce}`])
        assert.isNull(closing.unsafePoll(), "the pool closes before")
        nodes.reply("ENQUEUE", 1)
        yield* TestClock.adjust(0)
        assert.isNotNull(closing.unsafePoll(), "the pool waits on")
        assert.deepStrictEqual(couldNot(lines), [])
      })
    )
  )

  it.scoped("go back before the pool closes if they arrive together with the answer that the pool waited for", () =>
    withLines((lines) =>
      Effect.gen(function* () {
        const nodes = nodesOf(1)
        const { close, pool } = yield* afterSilence(nodes)
        yield* pool.ping
        const closing = yield* Effect.fork(close)
        yield* TestClock.adjust("50 millis")
        nodes.reply("GETJOB", jobs(atLeastOnce))
        yield* TestClock.adjust("1 second")
        assert.isNull(closing.unsafePoll(), "the pool closes before")
        nodes.reply("ENQUEUE", 1)
        yield* TestClock.adjust(0)
        assert.isNotNull(closing.unsafePoll(), "the pool waits on")
        assert.deepStrictEqual(couldNot(lines), [])
      })
    )
  )

  it.scoped("are not waited for a second time for long", () =>
    Effect.gen(function* () {
      const { close } = yield* afterSilence(nodesOf(1))
      const [took] = yield* timed(close)
      assert.isAtMost(took, 100)
    })
  )

  it.scoped("do not hold up a close for longer than a slice and a bit if no node takes a link", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1)
      const scope = yield* Scope.make()
      const pool = yield* Scope.extend(nodes.provide(DisquePool.make(options)), scope)
      yield* Effect.fork(pool.getJobs("q"))
      yield* TestClock.adjust(0)
      const closing = yield* Effect.fork(timed(Scope.close(scope, Exit.void)))
      yield* TestClock.adjust(0)
      nodes.links[0]?.lose()
      nodes.isFrozen = () => true
      nodes.fateOf = ({ name }) => (name === "ENQUEUE" ? "lost" : "silence")
      nodes.reply("GETJOB", jobs(atLeastOnce))
      const [took] = yield* Fiber.join(closing)
      assert.isAtMost(took, 2600)
    })
  )
})

describe.concurrent("links that were idle when their node fell silent", () => {
  /** Opens a client whose links for jobs, three to the node in use, have been idle for a while. */
  const idle = <S extends DisquePool.Service | DisqueConnection.Service, E, R>(
    nodes: ReturnType<typeof nodesOf>,
    client: Effect.Effect<S, E, R | DisqueDialer>
  ) =>
    Effect.gen(function* () {
      nodes.fateOf = ({ name }) => (name === "QLEN" ? 1 : "silence")
      const disque = yield* nodes.provide(client)
      const getting = yield* Effect.forEach([1, 2, 3], () => Effect.fork(disque.getJobs("q", { timeout: 0 })))
      yield* TestClock.adjust(0)
      nodes.reply("GETJOB", null)
      yield* Fiber.joinAll(getting)
      yield* TestClock.adjust("2 seconds")
      nodes.isFrozen = (node) => node === "node:1"
      nodes.fateOf = ({ name }) => (name === "GETJOB" ? jobs(atLeastOnce) : "silence")
      return disque
    })
  const pings = (nodes: ReturnType<typeof nodesOf>) => nodes.sentOf("PING").length
  const limits: ConnectionOptions = { ...options, maxIdle: 3 }

  for (const [name, client] of [
    ["a pool", DisquePool.make(limits)],
    ["a connection", DisqueConnection.make(limits)]
  ] as const) {
    it.scoped(`cost ${name} the time of one PING; then all of them are given up, and another node is asked`, () =>
      Effect.gen(function* () {
        const nodes = nodesOf(2)
        const disque = yield* idle<DisquePool.Service | DisqueConnection.Service, ConnectError, Scope.Scope>(
          nodes,
          client
        )
        const before = pings(nodes)
        const [took, exit] = yield* timed(disque.getJob("q"))
        assert.strictEqual(Exit.isSuccess(exit) ? exit.value.node : exit, "node:2")
        assert.isAtMost(took, 5050)
        assert.strictEqual(pings(nodes) - before, 1)
        // Of the first node there is that for commands left.
        assert.strictEqual(nodes.links.filter(({ isOpen, node }) => node === "node:1" && isOpen()).length, 1)
      })
    )
  }

  it.scoped("cost a call for one node, which is back, the time of one PING and a new link", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(2)
      const pool = yield* idle(nodes, DisquePool.make(limits))
      const getting = yield* Effect.fork(Effect.timed(pool.on("node:1").getJob("q")))
      yield* TestClock.adjust("4 seconds")
      const links = nodes.links.filter(({ node }) => node === "node:1").length
      nodes.isFrozen = () => false
      yield* TestClock.adjust("1 second")
      const [took, job] = yield* Fiber.join(getting)
      assert.strictEqual(job.node, "node:1")
      assert.strictEqual(Duration.toMillis(took), 5000)
      assert.strictEqual(nodes.links.filter(({ node }) => node === "node:1").length, links + 1)
    })
  )

  it.scoped("are replaced if they were broken, and no other node is asked", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(2)
      const pool = yield* idle(nodes, DisquePool.make(limits))
      nodes.isFrozen = () => false
      nodes.fateOf = ({ name }) => (name === "PING" ? "lost" : name === "GETJOB" ? jobs(atLeastOnce) : "silence")
      const [took, exit] = yield* timed(pool.getJob("q"))
      assert.strictEqual(took, 0)
      assert.strictEqual(Exit.isSuccess(exit) ? exit.value.node : exit, "node:1")
    })
  )
})
