import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Redacted, type Scope, Stream } from "effect"
import {
  Commands,
  type ConnectError,
  type DisqueCommands,
  DisqueConnection,
  type DisqueDialer,
  DisquePool,
  type InvalidArgument,
  Reply
} from "../src/index.js"
import { definitions } from "./utils/definitions.js"
import { asText, fakeNodes, refusal } from "./utils/fakeNodes.js"

const id = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1"
const nodeId = "a".repeat(40)

type Member = Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown> | Callable
type Callable = (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown>

const isRunnable = (value: unknown): value is Exclude<Member, Callable> =>
  Effect.isEffect(value) || (typeof value === "object" && value !== null && Stream.StreamTypeId in value)

const walk = (group: object, path: string): ReadonlyArray<readonly [path: string, member: Member]> =>
  Object.entries(group).flatMap(([name, value]) =>
    typeof value === "function" || isRunnable(value)
      ? [[`${path}${name}`, value as Member] as const]
      : walk(value, `${path}${name}.`)
  )

/** Every method there is, by its path. */
const methodsOf = (disque: object): ReadonlyMap<string, Member> => new Map(walk(disque, ""))

const run = (member: Member, args: ReadonlyArray<unknown>) =>
  Effect.suspend(() => {
    const made = typeof member === "function" ? member(...args) : member
    return Effect.isEffect(made) ? made : Stream.runDrain(made)
  })

/** What a connection or a pool has that is no command, or many of them. */
const own: ReadonlySet<string> = new Set([
  "node",
  "on",
  "connection",
  "consume",
  "statistics",
  "health",
  "ready",
  "addJobs",
  "addJobsFrom",
  "oldestAge"
])

/** Arguments that fit, for the methods that need some. */
const fitting: Record<string, ReadonlyArray<unknown>> = {
  addJob: ["q", "body"],
  getJob: ["q"],
  getJobs: ["q"],
  ...Object.fromEntries(
    ["ackJob", "fastAckJob", "nackJob", "enqueueJob", "dequeueJob", "deleteJob", "working", "show"].map((method) => [
      method,
      [id]
    ])
  ),
  queueLength: ["q"],
  queueStats: ["q"],
  peek: ["q"],
  pause: ["q", "in"],
  raw: ["any"],
  execute: [Commands.ping.make().pipe((made) => (made._tag === "Right" ? made.right : undefined))],
  "server.auth": [Redacted.make("secret")],
  "server.debug": ["STRUCTSIZE"],
  "cluster.meet": ["127.0.0.1", 7712],
  "cluster.forget": [nodeId],
  "cluster.setLeaving": [true],
  "config.get": ["*"],
  "config.set": ["maxmemory", 0],
  "client.kill": [{ id: 1 }],
  "client.setName": ["worker"],
  "latency.history": ["command"],
  "latency.graph": ["command"]
}

const garbage = [
  undefined,
  null,
  "",
  "\ud800",
  5,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  10n,
  true,
  Symbol("any"),
  () => 1,
  {},
  Object.create(null),
  { timeout: Number.NaN, count: "2", address: 1 },
  { delay: {}, replicate: null, id: Symbol("any") },
  { id: 3, states: 5, broadcast: "yes", count: {}, from: 1, rewriteAof: 1, unwanted: {} },
  { queue: 5, pageSize: "all", type: {} },
  [],
  [null],
  [undefined, 5, {}],
  [{}],
  new Uint8Array(2),
  new Map(),
  Redacted.make(5)
]

const garbageCalls: ReadonlyArray<ReadonlyArray<unknown>> = garbage.flatMap((value) => [
  [value],
  [value, value],
  ["q", value],
  ["q", "x", value],
  [id, value]
])

const addresses = ["127.0.0.1:7711", "127.0.0.1:7712"]

/** A service over nodes that refuse everything, and what they were sent. */
const refusing = (make: () => Effect.Effect<DisqueCommands, ConnectError, DisqueDialer | Scope.Scope>) => {
  const { layer, sent } = fakeNodes(addresses, () => refusal)
  return Effect.map(Effect.provide(make(), layer), (disque) => ({ disque, sent }))
}

for (const [name, make] of [
  ["a connection", DisqueConnection.make],
  ["a pool", DisquePool.make]
] as const) {
  describe(`on ${name}`, () => {
    it.scoped("each command that is defined is sent by the method that it names", () =>
      Effect.gen(function* () {
        const { disque, sent } = yield* refusing(make)
        for (const definition of definitions.values()) {
          if (definition.name === "HELLO") continue
          sent.length = 0
          const member = methodsOf(disque).get(definition.method)
          assert.isDefined(member, `there is no method ${definition.method}`)
          yield* Effect.exit(run(member as Member, fitting[definition.method] ?? []))
          assert.isNotEmpty(sent, definition.method)
          for (const { words } of sent) {
            assert.strictEqual(asText(words).slice(0, definition.name.split(" ").length).join(" "), definition.name)
          }
        }
      })
    )

    it.scoped(
      "each method is named by a command, but for execute, which takes any, and getJob, which is GETJOB too",
      () =>
        Effect.gen(function* () {
          const { disque } = yield* refusing(make)
          const named = new Set([...definitions.values()].map(({ method }) => method))
          const methods = [...methodsOf(disque).keys()].filter((path) => !own.has(path))
          assert.sameMembers(methods, [...named, "execute", "getJob"])
        })
    )

    it.scoped(
      "whatever a program without types passes is sent, or refused as an InvalidArgument, and breaks nothing",
      () =>
        Effect.gen(function* () {
          const { disque, sent } = yield* refusing(make)
          for (const [path, member] of methodsOf(disque)) {
            if (own.has(path) || path === "hello") continue
            for (const args of garbageCalls) {
              sent.length = 0
              const exit = yield* Effect.exit(run(member, args))
              const failure = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
              const tag = Option.isSome(failure) ? (failure.value as InvalidArgument)._tag : String(exit)
              assert.include(["InvalidArgument", "CommandRefused"], tag, path)
              assert.strictEqual(sent.length > 0, tag === "CommandRefused", path)
            }
          }
        })
    )
  })
}

describe.concurrent("the arguments of a command", () => {
  const messageOf = (effect: Effect.Effect<unknown, unknown>) =>
    Effect.map(Effect.flip(effect), (error) => `${error instanceof Error ? error.message : error}`)

  it.scoped("are refused by the rules of the server, with the value and what was expected", () =>
    Effect.gen(function* () {
      const { disque, sent } = yield* refusing(DisqueConnection.make)
      const refused: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, string]> = [
        [disque.addJob(undefined as never, "x"), "queue is undefined, expected the name of a queue"],
        [disque.addJob("q", 5 as never), "body is 5, expected text or a Uint8Array"],
        [disque.addJob("q", "x", { retry: 0, replicate: 2 }), "replicate is 2, expected 1 where retry is 0"],
        [
          disque.addJob("q", "x", { retry: "50 days" }),
          'retry is "50 days", expected a duration in whole seconds, from 0'
        ],
        [disque.addJob("q", "x", { ttl: 2 ** 31 * 1000 }), "from 1 s to 2147483647 s"],
        [disque.addJob("q", "x", { async: "yes" as never }), 'async is "yes", expected true or false'],
        [disque.addJob("q", "x", null as never), "options is null, expected an object"],
        [disque.addJobs(5 as never), "jobs is 5, expected an array of jobs"],
        [Effect.flatMap(disque.addJobs([null as never]), ([first]) => first as never), "queue is undefined"],
        [disque.ackJob({} as never), "job id is undefined"],
        [disque.getJob(undefined as never), "queue is undefined"],
        [disque.getJobs("q", { unwanted: "drop" as never }), 'unwanted is "drop", expected one of enqueue, nack'],
        [disque.pause("q", "both" as never), 'what to pause is "both", expected one of none, in, out, all, state'],
        [disque.peek("q", { count: 0 }), "count is 0"],
        [Stream.runDrain(disque.jobs({ states: ["done" as never] })), 'state is "done", expected one of wait-repl'],
        [Stream.runDrain(disque.queues({ minLen: -1 })), "minLen is -1"],
        [disque.cluster.meet("localhost", 7711), 'ip is "localhost", expected the IP address of a node'],
        [disque.cluster.meet("127.0.0.1", 60_000), "port is 60000, expected a whole number from 1 to 55535"],
        [disque.cluster.forget("abc"), 'node id is "abc", expected the id of a node, 40 hex digits'],
        [disque.config.set("max memory", 1), 'name is "max memory"'],
        [disque.client.kill({}), "options is nothing to go by, expected an address, an id or a type"],
        [disque.client.setName("a b"), 'name is "a b", expected printable ASCII without spaces'],
        [disque.raw("getjob", "FROM", "q"), 'name is "getjob", expected another command: `getJobs` fetches jobs'],
        [disque.raw("CLIENT", new TextEncoder().encode("reply"), "off"), "leaves every reply as it is"],
        [disque.raw("QLEN q"), 'name is "QLEN q", expected the name of a command, one word']
      ]
      for (const [effect, expected] of refused) assert.include(yield* messageOf(effect), expected)
      assert.deepStrictEqual(sent, [])
    })
  )

  it.scoped("go to the node of each job, and to no node if one of them is not a job", () =>
    Effect.gen(function* () {
      const { disque, sent } = yield* refusing(DisqueConnection.make)
      const job = (node: string) => ({ id: id as never, node })
      yield* Effect.exit(disque.ackJob([job("a:1"), job("b:1"), id]))
      assert.sameMembers(
        sent.map(({ node }) => node),
        ["a:1", "b:1", "127.0.0.1:7711"]
      )
      sent.length = 0
      assert.include(yield* messageOf(disque.ackJob([job("a:1"), job("b:1"), "foo"])), 'job id is "foo"')
      assert.deepStrictEqual(sent, [])
    })
  )

  it.scoped("are never shown if they are secret: neither by a refusal here, nor by an error of a node", () =>
    Effect.gen(function* () {
      const secret = "hunter2-hunter2"
      const { layer } = fakeNodes(
        addresses,
        (_, words) => new Reply.ErrorReply({ text: `ERR I heard '${words.at(-1)}'` })
      )
      const disque = yield* Effect.provide(DisqueConnection.make(), layer)
      const long = secret.repeat(50)
      const messages = [
        yield* messageOf(disque.server.auth(secret as never)),
        yield* messageOf(disque.config.set("requirepass", long)),
        yield* messageOf(disque.config.set("requirepass", Redacted.make(long))),
        yield* messageOf(disque.server.auth(Redacted.make(secret))),
        yield* messageOf(disque.config.set("requirepass", secret)),
        yield* messageOf(disque.config.set("dir", Redacted.make(secret)))
      ]
      for (const message of messages) {
        assert.include(message, "<redacted>")
        assert.notInclude(message, secret)
      }
    })
  )
})
