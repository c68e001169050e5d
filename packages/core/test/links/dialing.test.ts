import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Scope, TestClock } from "effect"
import {
  type ConnectError,
  ConnectionError,
  type ConnectionOptions,
  DisqueConnection,
  DisqueDialer,
  type DisqueLink,
  DisquePool,
  type JobId,
  Reply
} from "../../src/index.js"
import { bulk, idOf } from "../utils/fakeNodes.js"

const id = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1" as JobId.JobId
const connectMillis = 5000

/** What a node does: it answers, refuses connections, takes them and says nothing, or takes them late. */
type State = "up" | "down" | "frozen" | "slow"

/** Nodes that a test freezes. HELLO tells of all of them; what else is answered is a number, or what `says` gives. */
const nodesOf = (count: number, first: State = "up", others: State = "up") => {
  const addresses = Array.from({ length: count }, (_, i) => `node:${i + 1}`)
  const states = new Map<string, State>(addresses.map((address, i) => [address, i === 0 ? first : others]))
  const says = new Map<string, Reply.Reply>()
  const priorities = new Map<string, string>()
  const dialed: Array<string> = []
  const sent: Array<string> = []
  const open = new Set<DisqueLink>()
  let dialing = 0
  const link = (node: string): DisqueLink => {
    const waiting: Array<(exit: Exit.Exit<never, ConnectionError>) => void> = []
    const made: DisqueLink = {
      node,
      isOpen: () => open.has(made),
      send: ([name], done) => {
        if (states.get(node) === "frozen") {
          waiting.push(done)
          return
        }
        sent.push(`${name} ${node}`)
        const hello = [
          1,
          bulk(idOf(node)),
          ...addresses.map((address) => {
            const [host = "", port = ""] = address.split(":")
            return [bulk(idOf(address)), bulk(host), bulk(port), bulk(priorities.get(address) ?? "1")]
          })
        ]
        done(Exit.succeed(says.get(node) ?? (name === "HELLO" ? hello : name === "ADDJOB" ? bulk(id) : 1)))
      },
      close: (reason) => {
        open.delete(made)
        for (const done of waiting.splice(0)) done(Exit.fail(reason))
      }
    }
    open.add(made)
    return made
  }
  const fail = (node: string, reason: ConnectionError["reason"]) => new ConnectionError({ node, reason })
  const dial = (node: string) =>
    Effect.suspend(() => {
      dialed.push(node)
      dialing += 1
      const state = states.get(node)
      if (state === "down") return Effect.fail(fail(node, "refused"))
      if (state === "slow")
        return Effect.delay(
          Effect.sync(() => link(node)),
          "400 millis"
        )
      return state === "frozen"
        ? Effect.delay(Effect.fail(fail(node, "timed-out")), connectMillis)
        : Effect.sync(() => link(node))
    }).pipe(Effect.ensuring(Effect.sync(() => (dialing -= 1))))
  return {
    addresses,
    dialed,
    open,
    priorities,
    says,
    sent,
    states,
    dialing: () => dialing,
    openTo: (node: string) => [...open].filter((link) => link.node === node).length,
    /** The network loses all links. */
    cut: () => {
      for (const link of open) link.close(fail(link.node, "lost"))
    },
    provide: Effect.provideService(DisqueDialer, { seeds: addresses, dial })
  }
}

/** How long an effect took, in virtual time, which passes in small steps. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.fork(Effect.zip(Effect.exit(effect), Clock.currentTimeMillis))
    while ((yield* Fiber.poll(fiber))._tag === "None") yield* TestClock.adjust("10 millis")
    const [exit, end] = yield* Fiber.join(fiber)
    return [end - start, exit] as const
  })

/** Opens until the first seed that is tried is the first node. */
const withFirst = <A>(
  make: () => ReturnType<typeof nodesOf>,
  use: (nodes: ReturnType<typeof nodesOf>) => Effect.Effect<A, unknown, Scope.Scope>
) =>
  Effect.gen(function* () {
    for (let i = 0; i < 50; i++) {
      const nodes = make()
      const scope = yield* Scope.make()
      const result = yield* Scope.extend(Effect.exit(use(nodes)), scope)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(nodes.dialing(), 0)
      assert.strictEqual(nodes.open.size, 0)
      if (nodes.dialed[0] === "node:1") return yield* result
    }
    return yield* Effect.die("no seed was the first one")
  })

const connection = (nodes: ReturnType<typeof nodesOf>, options: ConnectionOptions = {}) =>
  nodes.provide(DisqueConnection.make({ refreshInterval: "1 hour", ...options }))

const failureOf = (exit: Exit.Exit<unknown, unknown>) => Effect.flip(Effect.flatten(Effect.succeed(exit)))

describe.concurrent("opening", () => {
  it.scoped("goes on with the next seed if one does not answer, and leaves no link to that one open", () =>
    withFirst(
      () => nodesOf(3, "frozen"),
      (nodes) =>
        Effect.gen(function* () {
          const [took, exit] = yield* timed(connection(nodes))
          assert.isTrue(Exit.isSuccess(exit))
          if (nodes.dialed[0] !== "node:1") return
          assert.isAtLeast(took, 250)
          assert.isAtMost(took, 270)
          assert.strictEqual(nodes.dialed.length, 2)
          assert.strictEqual(nodes.dialing(), 0)
          assert.strictEqual(nodes.open.size, 1)
        })
    )
  )

  it.scoped("goes on at once if a seed refuses the connection", () =>
    withFirst(
      () => nodesOf(3, "down"),
      (nodes) =>
        Effect.gen(function* () {
          const [took, exit] = yield* timed(connection(nodes))
          assert.isTrue(Exit.isSuccess(exit))
          assert.isAtMost(took, 10)
        })
    )
  )

  it.scoped("takes a seed that is only slow if no other seed answers before it", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1, "slow")
      const [took, exit] = yield* timed(connection(nodes))
      assert.isTrue(Exit.isSuccess(exit))
      assert.isAtMost(took, 410)
    })
  )

  it.scoped("fails with a reason for each seed, one time-out after the last seed was tried", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(4, "frozen", "frozen")
      const [took, exit] = yield* timed(connection(nodes))
      assert.isAtMost(took, connectMillis + 3 * 250 + 10)
      const error = yield* failureOf(exit)
      assert.include(error as ConnectionError, { _tag: "ConnectionError", reason: "unreachable" })
      assert.strictEqual((error as ConnectionError).attempts?.length, 4)
      assert.strictEqual(nodes.dialing(), 0)
    })
  )

  it.scoped("is not held up by a node that takes the connection and then says nothing", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1, "up")
      const dialer = yield* nodes.provide(DisqueDialer)
      const freezing = Effect.provideService(DisqueDialer, {
        ...dialer,
        dial: (node) => Effect.tap(dialer.dial(node), () => Effect.sync(() => nodes.states.set(node, "frozen")))
      })
      const [took, exit] = yield* timed(freezing(DisqueConnection.make()))
      assert.isTrue(Exit.isSuccess(exit))
      assert.isAtMost(took, 1010)
    })
  )
})

describe.concurrent("a client whose node is lost", () => {
  it.scoped("does not wait for a frozen node while another node answers, even if it cannot be interrupted", () =>
    Effect.gen(function* () {
      for (const wrap of [Effect.interruptible, Effect.uninterruptible]) {
        const nodes = nodesOf(5)
        const disque = yield* connection(nodes)
        const node = yield* disque.node
        for (const address of nodes.addresses.slice(0, 4)) nodes.states.set(address, "frozen")
        nodes.states.set("node:5", "up")
        nodes.cut()
        const [took, exit] = yield* timed(wrap(disque.addJob("q", "x", { replicate: 1 })))
        assert.deepStrictEqual(exit, Exit.succeed(id), node)
        assert.isAtMost(took, 4 * 250 + 10)
        assert.strictEqual(yield* disque.node, "node:5")
        assert.strictEqual(nodes.dialing(), 0)
      }
    })
  )

  it.scoped("waits for a link no longer than for the command, which then ends as unsent", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(3)
      const disque = yield* connection(nodes, { commandTimeout: "500 millis" })
      for (const address of nodes.addresses) nodes.states.set(address, "frozen")
      nodes.cut()
      const [took, exit] = yield* timed(disque.addJob("q", "x", { replicate: 1, timeout: "1 second" }))
      assert.isAtMost(took, 1510)
      assert.include((yield* failureOf(exit)) as ConnectionError, { _tag: "ConnectionError", reason: "unsent" })
      assert.strictEqual(nodes.dialing(), 0)
    })
  )
})

describe.concurrent("a link to wait for jobs", () => {
  const call = (disque: DisqueConnection.Service) =>
    Effect.tap(Effect.fork(disque.getJobs("q", { timeout: 0 })), () => Effect.yieldNow())

  it.scoped("is dialed once, however many calls of getJob are interrupted before it is there", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1)
      const disque = yield* connection(nodes)
      nodes.says.set("node:1", [])
      nodes.states.set("node:1", "slow")
      nodes.dialed.length = 0
      for (let i = 0; i < 20; i++) yield* Fiber.interrupt(yield* call(disque))
      const last = yield* call(disque)
      yield* TestClock.adjust("400 millis")
      assert.deepStrictEqual(yield* Fiber.join(last), [])
      assert.strictEqual(nodes.dialed.length, 1)
      assert.strictEqual(nodes.openTo("node:1"), 2)
    })
  )

  it.scoped("is dialed for each of the calls that wait at the same time", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1)
      const disque = yield* connection(nodes)
      nodes.says.set("node:1", [])
      nodes.states.set("node:1", "slow")
      nodes.dialed.length = 0
      const left = yield* Effect.replicateEffect(call(disque), 2)
      const kept = yield* call(disque)
      yield* Fiber.interruptAll(left)
      const next = yield* Effect.replicateEffect(call(disque), 3)
      yield* TestClock.adjust("400 millis")
      for (const fiber of [kept, ...next]) assert.deepStrictEqual(yield* Fiber.join(fiber), [])
      assert.strictEqual(nodes.dialed.length, 4)
    })
  )

  it.scoped("fails with the reason, also for the call that took over the dial", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1)
      const disque = yield* connection(nodes)
      nodes.states.set("node:1", "frozen")
      nodes.dialed.length = 0
      yield* Fiber.interrupt(yield* call(disque))
      yield* TestClock.adjust("1 second")
      const [took, exit] = yield* timed(disque.getJobs("q", { timeout: 0 }))
      assert.isAtMost(took, connectMillis - 990)
      assert.include((yield* failureOf(exit)) as ConnectionError, { _tag: "ConnectionError", reason: "timed-out" })
      assert.strictEqual(nodes.dialed.length, 1)
    })
  )
})

describe.concurrent("the holder of a job", () => {
  it.scoped("is waited for only a moment, and by one command only, if it is frozen", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(3)
      const disque = yield* connection(nodes)
      const current = yield* disque.node
      const holder = nodes.addresses.find((address) => address !== current) ?? ""
      nodes.states.set(holder, "frozen")
      const job = { id, node: holder }
      const [first, exit] = yield* timed(disque.ackJob(job))
      assert.deepStrictEqual(exit, Exit.succeed(1))
      assert.isAtMost(first, 270)
      const [second] = yield* timed(disque.ackJob(job))
      assert.isAtMost(second, 10)
      assert.strictEqual(nodes.dialed.filter((node) => node === holder).length, 1)
    })
  )

  it.scoped("gets the next commands once there is a link to it, however long that takes", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(3)
      const disque = yield* connection(nodes)
      const current = yield* disque.node
      const holder = nodes.addresses.find((address) => address !== current) ?? ""
      nodes.states.set(holder, "slow")
      yield* timed(disque.ackJob({ id, node: holder }))
      yield* TestClock.adjust("200 millis")
      yield* disque.ackJob({ id, node: holder })
      assert.deepStrictEqual(nodes.sent.slice(-2), [`ACKJOB ${current}`, `ACKJOB ${holder}`])
    })
  )
})

describe.concurrent("opening without a node", () => {
  it.scoped(
    "dials nobody before the first command, tries again with each, and learns the cluster once a node answers",
    () =>
      Effect.gen(function* () {
        const nodes = nodesOf(3, "down", "down")
        const disque = yield* connection(nodes, { lazyConnect: true })
        assert.deepStrictEqual(nodes.dialed, [])
        for (const tried of [3, 6]) {
          const error = yield* Effect.flip(disque.ping)
          assert.deepInclude(error, { _tag: "ConnectionError", reason: "unreachable" })
          assert.isAtLeast(nodes.dialed.length, tried)
        }
        for (const node of nodes.addresses) nodes.states.set(node, "up")
        yield* disque.addJob("q", "it")
        yield* TestClock.adjust("2 seconds")
        assert.include(nodes.sent, `HELLO ${yield* disque.node}`)
      })
  )
})

describe.concurrent("a question to the whole cluster", () => {
  it.scoped("is answered by another node if the node in use has frozen", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(3)
      const pool = yield* nodes.provide(DisquePool.make({ refreshInterval: "1 hour" }))
      const current = (yield* pool.health).nodes.find(({ isCurrent }) => isCurrent)?.address ?? ""
      nodes.states.set(current, "frozen")
      nodes.sent.length = 0
      yield* Effect.fork(pool.queueLength("q"))
      yield* TestClock.adjust("260 millis")
      // Each has been asked then for its part, but for the one that says nothing.
      const others = nodes.addresses.filter((address) => address !== current)
      assert.includeMembers(
        nodes.sent,
        others.map((address) => `QLEN ${address}`)
      )
    })
  )
})

describe.concurrent("readiness", () => {
  type Service = Pick<DisquePool.Service, "ready">
  const services: ReadonlyArray<
    readonly [string, () => Effect.Effect<Service, ConnectError, DisqueDialer | Scope.Scope>]
  > = [
    ["a connection", DisqueConnection.make],
    ["a pool", DisquePool.make]
  ]

  for (const [name, make] of services) {
    it.scoped(`of ${name} is what the node that is asked says`, () =>
      Effect.gen(function* () {
        const nodes = nodesOf(2)
        const disque = yield* nodes.provide(make())
        const before = nodes.sent.length
        const [took, exit] = yield* timed(disque.ready())
        assert.isAtMost(took, 10)
        const [asked] = nodes.sent.slice(before)
        assert.strictEqual(`HELLO ${yield* exit}`, asked)
      })
    )

    it.scoped(`of ${name} is that of another node if one is frozen, and fails in time if all are frozen`, () =>
      Effect.gen(function* () {
        const nodes = nodesOf(3)
        const disque = yield* nodes.provide(make())
        const node = yield* disque.ready()
        nodes.states.set(node, "frozen")
        const [took, exit] = yield* timed(disque.ready({ within: "300 millis" }))
        assert.notStrictEqual(yield* exit, node)
        assert.isAtMost(took, 110)
        for (const address of nodes.addresses) nodes.states.set(address, "frozen")
        for (const within of [1, 50, 1000]) {
          const [took, exit] = yield* timed(disque.ready({ within }))
          assert.isAtMost(took, within + 10)
          assert.include((yield* failureOf(exit)) as ConnectionError, { _tag: "ConnectionError", reason: "silent" })
          assert.strictEqual(nodes.dialing(), 0)
        }
        const [byDefault] = yield* timed(Effect.exit(disque.ready()))
        assert.isAtMost(byDefault, 1010)
      })
    )

    it.scoped(`of ${name} needs a node that neither loads its jobs, nor leaves, nor refuses us`, () =>
      Effect.gen(function* () {
        for (const [says, tag] of [
          ["LOADING Disque is loading the dataset in memory", "NodeLoading"],
          ["NOAUTH Authentication required.", "NotAuthenticated"],
          ["leaving", "NodeLeaving"]
        ] as const) {
          const nodes = nodesOf(2)
          const disque = yield* nodes.provide(make())
          const turn = (address: string) => {
            if (says === "leaving") nodes.priorities.set(address, "100")
            else nodes.says.set(address, new Reply.ErrorReply({ text: says }))
          }
          turn("node:1")
          assert.strictEqual(yield* disque.ready(), "node:2")
          turn("node:2")
          assert.strictEqual((yield* Effect.flip(disque.ready()))._tag, tag)
        }
      })
    )

    it.scoped(`of ${name} fails at once if nothing listens any more, and if the bound is not valid`, () =>
      Effect.gen(function* () {
        const nodes = nodesOf(2)
        const disque = yield* nodes.provide(make())
        for (const address of nodes.addresses) nodes.states.set(address, "down")
        nodes.cut()
        const [took, exit] = yield* timed(disque.ready())
        assert.isAtMost(took, 10)
        assert.include((yield* failureOf(exit)) as ConnectionError, { reason: "unreachable" })
        assert.strictEqual((yield* Effect.flip(disque.ready({ within: 0 })))._tag, "InvalidArgument")
      })
    )
  }

  it.scoped("of a pool waits for no permit, and its health for nobody", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(2)
      const pool = yield* nodes.provide(DisquePool.make({ maxActive: 1 }))
      yield* pool.connection
      yield* Effect.fork(Effect.scoped(pool.connection))
      yield* Effect.yieldNow()
      assert.strictEqual((yield* pool.statistics).waiting, 1)
      assert.include(nodes.addresses, yield* pool.ready())
      for (const address of nodes.addresses) nodes.states.set(address, "frozen")
      yield* Effect.fork(pool.addJob("q", "x"))
      const [took, exit] = yield* timed(pool.health)
      assert.strictEqual(took, 0)
      assert.strictEqual((yield* exit).nodes.length, 2)
    })
  )

  it.scoped("is over with the client", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(2)
      const disque = yield* Effect.scoped(nodes.provide(DisqueConnection.make()))
      assert.include(yield* Effect.flip(disque.ready()), { _tag: "ConnectionError", reason: "closed" })
    })
  )
})
