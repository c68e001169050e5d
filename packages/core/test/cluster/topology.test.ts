import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { Topology } from "../../src/cluster/topology.js"
import * as Server from "../../src/commands/server.js"
import { bulk } from "../utils/fakeNodes.js"

const hello = Either.getOrThrow(Server.hello.make())

type Listed = readonly [id: string, host: unknown, port: unknown, priority?: unknown]

/** What a node says of its cluster, as the client reads it. */
const says = (at: string, own: string, ...nodes: ReadonlyArray<Listed>) => {
  const text = (value: unknown) => bulk(String(value))
  const reply = [
    1,
    bulk(own),
    ...nodes.map(([id, host, port, priority = 1]) => [bulk(id), text(host), text(port), text(priority)])
  ]
  const exit = hello.decode(reply, at)
  if (exit._tag === "Failure") throw new Error("it cannot be read")
  return exit.value
}

const setup = (seeds: ReadonlyArray<string>, addressMap: Readonly<Record<string, string>> = {}) => {
  let now = 0
  let changes = 0
  const topology = new Topology({ seeds, addressMap, randomSeed: 7, now: () => now, onChange: () => changes++ })
  const learn = (at: string, own: string, ...nodes: ReadonlyArray<Listed>) =>
    topology.learn(at, says(at, own, ...nodes))
  const where = (id: string) =>
    topology.nodes.find((node) => node.id === id && topology.members.includes(node.address))?.address
  return { topology, learn, where, changes: () => changes, pass: (millis: number) => (now += millis) }
}

const x = "x".repeat(40)
const y = "y".repeat(40)
const z = "z".repeat(40)

describe.concurrent("a node", () => {
  it("that came back at another address is known there if both addresses were given as seeds", () => {
    const { learn, topology, where } = setup(["h:1", "h:2", "h:3"])
    learn("h:1", x, [x, "h", 1], [y, "h", 2])
    learn("h:2", y, [x, "h", 1], [y, "h", 2])
    assert.sameMembers([...topology.members], ["h:1", "h:2"])
    topology.failed("h:1")
    learn("h:2", y, [x, "h", 3], [y, "h", 2])
    assert.strictEqual(where(x), "h:3")
    assert.sameMembers([...topology.members], ["h:2", "h:3"])
    topology.identify("h:3", x)
    assert.sameMembers([...topology.members], ["h:2", "h:3"])
    assert.strictEqual(topology.byPrefix("xxxx"), "h:3")
  })

  it("that is said to be elsewhere is asked for at its old address first, and is at the new one once that is dead", () => {
    const { changes, learn, topology, where } = setup(["h:1", "h:2"])
    learn("h:1", x, [x, "h", 1], [y, "h", 2])
    topology.identify("h:2", y)
    learn("h:2", y, [x, "h", 3], [y, "h", 2])
    assert.strictEqual(where(x), "h:1")
    assert.deepStrictEqual(topology.unidentified, ["h:1"])
    const before = changes()
    topology.failed("h:1")
    assert.strictEqual(changes() - before, 1)
    assert.strictEqual(where(x), "h:3")
    assert.sameMembers([...topology.members], ["h:2", "h:3"])
    // The dead seed may become another node.
    assert.deepStrictEqual(topology.unidentified, ["h:1"])
    topology.identify("h:1", z)
    learn("h:2", y, [x, "h", 3], [y, "h", 2], [z, "h", 1])
    assert.sameMembers([...topology.members], ["h:1", "h:2", "h:3"])
  })

  it("whose announced address is of no use to us stays where it answers, whatever address its restarts give it", () => {
    const { learn, topology, where } = setup(["localhost:1", "localhost:2"])
    learn("localhost:1", x, [x, "172.17.0.2", 7711], [y, "172.17.0.3", 7711])
    topology.identify("localhost:2", y)
    assert.sameMembers([...topology.members], ["localhost:1", "localhost:2"])
    topology.failed("localhost:1")
    learn("localhost:2", y, [x, "172.17.0.2", 7711], [y, "172.17.0.3", 7711])
    assert.strictEqual(where(x), "localhost:1")
    // It is away, and told to be at a new address, which nobody can reach: then its place is tried in turn with that one.
    learn("localhost:2", y, [x, "172.17.0.9", 7711], [y, "172.17.0.3", 7711])
    assert.strictEqual(where(x), "172.17.0.9:7711")
    topology.failed("172.17.0.9:7711")
    assert.notStrictEqual(where(x), undefined)
    learn("localhost:2", y, [x, "172.17.0.9", 7711], [y, "172.17.0.3", 7711])
    assert.notStrictEqual(where(x), undefined)
    topology.identify("localhost:1", x)
    learn("localhost:2", y, [x, "172.17.0.9", 7711], [y, "172.17.0.3", 7711])
    assert.sameMembers([...topology.members], ["localhost:1", "localhost:2"])
    assert.deepStrictEqual(topology.unidentified, [])
  })

  it("that has two names is asked by the first, and by the other if the first fails", () => {
    const { learn, topology } = setup(["localhost:1", "127.0.0.1:1"])
    learn("localhost:1", x, [x, "127.0.0.1", 1])
    topology.identify("127.0.0.1:1", x)
    assert.deepStrictEqual(topology.members, ["localhost:1"])
    topology.failed("localhost:1")
    learn("127.0.0.1:1", x, [x, "127.0.0.1", 1])
    assert.deepStrictEqual(topology.members, ["127.0.0.1:1"])
  })

  it("that is back with a new id at its old address is the new one", () => {
    const { learn, topology, where } = setup(["h:1", "h:2"])
    learn("h:1", x, [x, "h", 1], [y, "h", 2])
    topology.identify("h:2", y)
    learn("h:2", y, [x, "h", 1, 100], [y, "h", 2], [z, "h", 1])
    topology.identify("h:1", z)
    assert.strictEqual(where(z), "h:1")
    assert.sameMembers([...topology.members], ["h:1", "h:2"])
    learn("h:1", z, [y, "h", 2], [z, "h", 1])
    assert.sameMembers([...topology.members], ["h:1", "h:2"])
  })

  it("is told apart from the one with which it changed places, whoever says so first", () => {
    const swapped: ReadonlyArray<Listed> = [
      [x, "h", 2],
      [y, "h", 1],
      [z, "h", 3]
    ]
    for (const seeds of [["h:1", "h:2", "h:3"], ["h:1"], ["h:3"]]) {
      for (const [teller, own] of [
        ["h:1", y],
        ["h:2", x],
        ["h:3", z]
      ] as const) {
        const { learn, topology, where } = setup(seeds)
        learn("h:1", x, [x, "h", 1], [y, "h", 2], [z, "h", 3])
        learn("h:2", y, [x, "h", 1], [y, "h", 2], [z, "h", 3])
        learn(teller, own, ...swapped)
        for (const at of topology.unidentified) topology.identify(at, { "h:1": y, "h:2": x, "h:3": z }[at] as string)
        assert.deepStrictEqual([where(x), where(y), where(z)], ["h:2", "h:1", "h:3"], `${seeds} ${teller}`)
        assert.strictEqual(topology.members.length, 3)
      }
    }
  })

  it("is found by the address map if its address has an entry there", () => {
    const { learn, topology } = setup(["localhost:1"], { "172.17.0.3:7711": "localhost:2", ":0": "localhost:3" })
    learn("localhost:1", x, [x, "172.17.0.2", 7711], [y, "172.17.0.3", 7711], [z, "", 0])
    assert.sameMembers([...topology.members], ["localhost:1", "localhost:2", "localhost:3"])
  })
})

describe.concurrent("what a node tells of others", () => {
  it("is left out if it is not an address, and the rest is read", () => {
    const garbage: ReadonlyArray<Listed> = [
      ["", 7],
      ["h", 0],
      ["h", 65_536],
      ["h", -1],
      ["h", "seven"],
      ["h", 7.5],
      ["a b", 7],
      [" ", 7],
      ["-", 7],
      ["\r\n", 7],
      ["h:1:2", 7],
      [":::", 7],
      ["::1::2", 7],
      ["h/x", 7],
      ["@", 7],
      ["höst", 7],
      ["h".repeat(300), 7]
    ].map(([host, port], i) => [String(i).repeat(20), host, port])
    const { learn, topology } = setup(["h:1"])
    learn("h:1", x, [x, "", 1], ...garbage, [y, "h", 2, -5], [z, "::1", 3])
    assert.sameMembers([...topology.members], ["h:1", "h:2", "[::1]:3"])
    assert.strictEqual(topology.nodes.find(({ id }) => id === y)?.priority, 1)
  })

  it("is read if some of its items are not nodes", () => {
    const odd = [1, bulk(x), null, 7, [], [bulk(y)], [bulk(x), bulk(""), bulk("1"), bulk("1")], "text", [1, 2, 3, 4]]
    const exit = hello.decode(odd, "h:1")
    assert.isTrue(exit._tag === "Success" && exit.value.nodes.length === 1)
  })

  it("is taken of the best 1,000 nodes, and of 50,000 in a moment", () => {
    const { learn, topology } = setup(["h:1"])
    const nodes = Array.from({ length: 50_000 }, (_, i): Listed => [`${i}`.padStart(40, "n"), "h", 2 + (i % 60_000), 2])
    const before = process.cpuUsage()
    for (let i = 0; i < 3; i++) learn("h:1", x, ...nodes, [x, "h", 1])
    for (const { address } of topology.nodes) topology.failed(address)
    const { system, user } = process.cpuUsage(before)
    assert.isBelow((user + system) / 1000, 8000)
    assert.isAtMost(topology.members.length, 1000)
    assert.include(topology.members, "h:1")
  })
})
