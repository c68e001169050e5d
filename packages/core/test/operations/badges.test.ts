import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Duration } from "effect"
import { Cluster } from "../../src/index.js"

const rates = (into: number, out: number) => ({ in: into, out, imported: 0, over: Duration.seconds(1) })

const queue = (name: string, more: Partial<Cluster.ClusterQueue> = {}): Cluster.ClusterQueue => ({
  name,
  length: 0,
  age: Duration.minutes(1),
  idle: Duration.zero,
  blocked: 0,
  importRate: 0,
  jobsIn: 0n,
  jobsOut: 0n,
  pause: "none",
  oldest: undefined,
  rates: undefined,
  pauses: ["a", "b", "c"].map((node) => ({ node, pause: "none" as const })),
  nodes: [],
  ...more
})

const paused = (...states: ReadonlyArray<"none" | "in" | "out" | "all">) =>
  states.map((pause, i) => ({ node: String(i), pause }))

describe.concurrent("the badges of a queue", () => {
  const is = (more: Partial<Cluster.ClusterQueue>, ...badges: ReadonlyArray<Cluster.Badge>) =>
    assert.deepStrictEqual(Cluster.badges(queue("q", more)), badges)

  it("are none where all is well", () => {
    is({})
    is({ length: 10, blocked: 1, rates: rates(10, 10) })
    is({ length: 10, rates: rates(100, 99) })
    is({ rates: rates(10, 0) })
  })

  it("say that nobody takes the jobs that wait", () => {
    is({ length: 1, rates: rates(0, 0) }, "no consumers")
    is({ length: 1, blocked: 1, rates: rates(0, 0) })
    is({ length: 1, rates: rates(0, 0.1) })
    // Without rates, the time since a job came or went tells.
    is({ length: 1, idle: Duration.seconds(5) }, "no consumers")
    is({ length: 1, idle: Duration.seconds(4) })
  })

  it("say that more comes in than goes out", () => {
    is({ length: 1, rates: rates(10, 9) }, "growing")
    is({ length: 1, rates: rates(10, 9.5) })
    is({ length: 1, rates: rates(10, 0) }, "no consumers", "growing")
  })

  it("do not blame queues of dead letters, which wait for somebody to look at them", () => {
    const dead = (more: Partial<Cluster.ClusterQueue>) => Cluster.badges(queue("emails.dead", more))
    assert.deepStrictEqual(dead({ length: 3, rates: rates(0, 0) }), [])
    assert.deepStrictEqual(dead({ length: 3, idle: Duration.minutes(1) }), [])
    assert.deepStrictEqual(dead({ length: 3, rates: rates(1, 0) }), ["growing"])
    assert.deepStrictEqual(Cluster.badges(queue(".dead", { length: 3, rates: rates(0, 0) })), ["no consumers"])
  })

  it("do not blame queues of Disco's own, whose jobs are looked at and expire", () => {
    for (const name of ["disco.workers", "disco.ids.emails/welcome-ada"]) {
      const own = (more: Partial<Cluster.ClusterQueue>) => Cluster.badges(queue(name, more))
      assert.deepStrictEqual(own({ length: 3, rates: rates(1, 0) }), [])
      assert.deepStrictEqual(own({ length: 3, idle: Duration.minutes(1) }), [])
      assert.deepStrictEqual(own({ length: 3, pauses: paused("in", "in") }), ["paused"])
    }
  })

  it("say what is paused, and whether everywhere", () => {
    is({ pauses: paused("out", "out", "out") }, "paused")
    is({ pauses: paused("out", "none", "out") }, "partly paused")
    is({ pauses: paused("out", "in", "all") }, "partly paused")
    is({ pauses: [] })
  })
})

describe.concurrent("the order of queues", () => {
  it("puts those in the most trouble first, then the oldest, the longest, and by name", () => {
    const unordered = [
      queue("b"),
      queue("a"),
      queue("long", { length: 9, blocked: 1 }),
      queue("old", { length: 1, blocked: 1, oldest: Duration.hours(1) }),
      queue("growing", { length: 1, rates: rates(10, 1) }),
      queue("paused", { pauses: paused("in", "in") }),
      queue("partly", { pauses: paused("in", "none") }),
      queue("left", { length: 1, rates: rates(0, 0) })
    ]
    assert.deepStrictEqual(
      Arr.sort(unordered, Cluster.worstFirst).map(({ name }) => name),
      ["left", "partly", "paused", "growing", "old", "long", "a", "b"]
    )
  })
})
