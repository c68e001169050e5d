import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import { SocketServer } from "@effect/platform"
import { NodeSocketServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { compare, misses } from "./goals.js"
import { measurements } from "./measurements.js"
import { draw } from "./shared/chart.js"
import { hold } from "./shared/contest.js"
import { withSection } from "./shared/results.js"
import type { Address, Target } from "./shared/target.js"

const little = { rounds: 1, warmUps: 0, share: 0.01, sizes: [100] }

/** Embedded nodes in this process, behind sockets. */
const serve = (count: number) =>
  Effect.gen(function* () {
    const servers = yield* Effect.replicateEffect(NodeSocketServer.make({ port: 0, host: "127.0.0.1" }), count)
    const ports = servers.map(({ address }) => (address._tag === "TcpAddress" ? address.port : 0))
    const { nodes } = yield* EmbeddedDisque.make({ ports })
    for (const [i, server] of servers.entries()) {
      const node = nodes[i] ?? nodes[0]
      yield* Effect.forkScoped(Effect.provideService(EmbeddedServer.serve(node), SocketServer.SocketServer, server))
    }
    const [first, ...others] = ports.map((port) => ({ host: "127.0.0.1", port }))
    return { kind: "embedded", nodes: [first as Address, ...others], close: () => {} } satisfies Target
  })

describe("the measurements", () => {
  for (const { measure, name, nodes } of measurements.filter(({ needs }) => needs === undefined)) {
    it.live(
      `${name} comes to an end and has a figure for each of its goals`,
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const target = yield* serve(nodes)
            const { figures, text } = yield* Effect.promise(() => measure(target, little))
            assert.match(text, /^\|/m)
            for (const [figure, value] of Object.entries(figures)) assert.isTrue(Number.isFinite(value), figure)
          })
        ),
      // Some start processes, which take long to load from sources.
      60_000
    )
  }
})

describe("a contest", () => {
  it("lets each contender be first in turn, and measures no warm-up", async () => {
    const turns: Array<string> = []
    const contender = (name: string) => ({
      name,
      run: async () => {
        turns.push(name)
      }
    })
    const contest = { title: "", jobs: 100, contenders: [contender("a"), contender("b")] }
    const outcome = await hold(contest, { ...little, rounds: 2, warmUps: 1 })
    assert.deepStrictEqual(turns, ["a", "b", "b", "a", "a", "b"])
    assert.isTrue(outcome.median("a", "perSecond") > 0)
  })
})

describe("a chart", () => {
  const chart = {
    name: "links",
    title: "links & more",
    values: [1, 10, 100],
    lines: [
      { name: "ioredis", rates: [10, 20, 30] },
      { name: "Disco", rates: [20, 40, 60] }
    ]
  }

  it("has a point for each rate, higher for more, and as far apart as the values by factors", () => {
    const points = [...draw(chart, "light").matchAll(/points="([^"]*)"/g)].map(([, text = ""]) =>
      text.split(" ").map((point) => point.split(",").map(Number))
    )
    assert.strictEqual(points.length, 2)
    for (const [first = [], second = [], third = []] of points) {
      assert.closeTo((second[0] ?? 0) - (first[0] ?? 0), (third[0] ?? 0) - (second[0] ?? 0), 0.2)
      assert.isBelow(third[1] ?? 0, first[1] ?? 0)
    }
  })

  it("holds its words as text, and differs for dark paper", () => {
    const light = draw(chart, "light")
    assert.include(light, "links &#38; more")
    assert.notStrictEqual(light, draw(chart, "dark"))
  })
})

describe("the goals", () => {
  it("are missed by what is more than a fifth off", () => {
    assert.deepStrictEqual(misses({ forEach: 0.81, million: 23 }), [])
    assert.strictEqual(misses({ forEach: 0.79, million: 25 }).length, 2)
  })

  it("are shown beside the figures", () => {
    assert.include(compare({ million: 3 }), "≤ 20")
  })
})

describe("RESULTS.md", () => {
  const names = ["add", "get"]

  it("keeps the other sections, in their order, and a chapter for each kind of node", () => {
    const first = withSection("", "embedded", names, "get", "old")
    const second = withSection(first, "real", names, "get", "of a server")
    const third = withSection(second, "embedded", names, "add", "a table")
    const fourth = withSection(third, "embedded", names, "get", "new")
    const chapters = fourth.slice(fourth.indexOf("## "))
    assert.strictEqual(
      chapters,
      "## Real nodes\n\n### get\n\nof a server\n\n## Embedded nodes\n\n### add\n\na table\n\n### get\n\nnew\n"
    )
  })
})
