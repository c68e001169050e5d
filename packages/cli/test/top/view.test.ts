import type { Job } from "@disco/core"
import { assert, describe, expect, it } from "@effect/vitest"
import { Duration } from "effect"
import { plain, width } from "../../src/output/text.js"
import { type Model, start } from "../../src/top/model.js"
import { type Event, update } from "../../src/top/update.js"
import { view } from "../../src/top/view.js"
import { start as began, node, queue, rates, snapshot } from "./data.js"

const at = (columns: number, rows: number, ...events: ReadonlyArray<Event>): Model =>
  events.reduce<Model>((model, event) => update(model, event)[0], start({ columns, rows }, began))

const key = (name: string): Event => ({ _tag: "Key", name })

const screen = (model: Model) => view(model, { hasColor: false }).lines.map((line) => plain(line).trimEnd())

const queues = [
  queue("emails", { length: 1204, oldest: Duration.seconds(200), rates: rates(12, 0), blocked: 0 }),
  queue("emails.dead", { length: 3, oldest: Duration.hours(30), blocked: 0 }),
  queue("orders", { length: 12, oldest: Duration.seconds(2), rates: rates(250, 249.5), blocked: 40 }),
  queue("reports", {
    length: 7,
    oldest: Duration.minutes(61),
    pause: "out",
    pauses: [
      { node: "127.0.0.1:7711", pause: "out" },
      { node: "127.0.0.1:7712", pause: "none" }
    ]
  })
]

const sampled: Event = {
  _tag: "Sampled",
  snapshot: snapshot(queues, [node("127.0.0.1:7711"), node("127.0.0.1:7712")])
}

const body = new TextEncoder().encode('{"to":"ada","text":"hello"}')

const info: Job.JobInfo = {
  id: "D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1" as Job.JobInfo["id"],
  queue: "emails",
  state: "queued",
  replicate: 2,
  ttl: Duration.hours(23),
  ctime: BigInt(began - 200_000) * 1_000_000n,
  delay: Duration.zero,
  retry: Duration.minutes(5),
  nacks: 1,
  additionalDeliveries: 2,
  nodesDelivered: [],
  nodesConfirmed: [],
  nextRequeueWithin: Duration.minutes(4),
  nextAwakeWithin: Duration.minutes(4),
  body,
  fields: new Map()
}

const queueSeen: Event = {
  _tag: "QueueSeen",
  name: "emails.dead",
  detail: {
    head: [{ id: info.id, node: "127.0.0.1:7711", body }],
    counts: { states: { queued: 3, active: 1, "wait-repl": 0, acked: 2 }, isComplete: false, failures: [] },
    trouble: undefined
  }
}

const jobSeen: Event = {
  _tag: "JobSeen",
  id: info.id,
  detail: {
    at: began,
    nodes: [
      { node: "127.0.0.1:7711", info, error: undefined },
      { node: "127.0.0.1:7712", info: { ...info, state: "active" }, error: undefined },
      { node: "127.0.0.1:7713", info: undefined, error: "does not answer" }
    ]
  }
}

/** The third queue of the list is chosen. */
const openedLetters = [sampled, key("down"), key("down"), key("enter"), queueSeen]

const opened = (columns: number, rows: number) => at(columns, rows, ...openedLetters)

const openedJob = (columns: number, rows: number) => at(columns, rows, ...openedLetters, key("enter"), jobSeen)

describe("the screen of top", () => {
  it("shows the queues that are in trouble first, at 80 columns", () => {
    expect(screen(at(80, 10, sampled)).join("\n")).toMatchInlineSnapshot(`
      "disco top  4 queues  1,226 jobs  262/s in  250/s out                03:04:05 UTC
      2 nodes  127.0.0.1:7711  127.0.0.1:7712

        QUEUE                      LENGTH    OLDEST        IN       OUT  TROUBLE▼
      >!emails                      1,204    3m 20s      12/s       0/s  no consumers…
       !reports                         7     1h 1m       0/s       0/s  partly paused
        emails.dead                     3     1d 6h       0/s       0/s
        orders                         12        2s     250/s     250/s

      ⏎ open  ←→ sort  / filter  p pause  r redrive  d delete  ? help  q quit"
    `)
  })

  it("leaves out columns where there is no room, at 40 columns", () => {
    expect(screen(at(40, 10, sampled)).join("\n")).toMatchInlineSnapshot(`
      "disco top  4 queues  1,226 jobs  262/s …
      2 nodes  127.0.0.1:7711  127.0.0.1:7712

        QUEUE                 LENGTH    OLDEST
      >!emails                 1,204    3m 20s
       !reports                    7     1h 1m
        emails.dead                3     1d 6h
        orders                    12        2s

      ⏎ open  ←→ sort  ? help  q quit"
    `)
  })

  it("shows the figures of an open queue, its jobs by state and its head", () => {
    expect(screen(opened(80, 16)).join("\n")).toMatchInlineSnapshot(`
      "disco top  4 queues  1,226 jobs  262/s in  250/s out                03:04:05 UTC
      2 nodes  127.0.0.1:7711  127.0.0.1:7712

      emails.dead
      3 jobs, the oldest 1d 6h old, 0/s in, 0/s out and 0 consumers

      NODE  LENGTH

      Jobs by state
      3 in the queue, 1 delivered, delayed or a copy, 0 waiting for copies, 2
      acknowledged, and more that were not counted

      Head of the queue
      > D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1  {"to":"ada","text":"hello"}

      Esc back  ⏎ open job  p pause  r redrive  d delete  ? help  q quit"
    `)
  })

  it("shows the timeline and the body of an open job", () => {
    expect(screen(openedJob(80, 30)).join("\n")).toMatchInlineSnapshot(`
      "disco top  4 queues  1,226 jobs  262/s in  250/s out                03:04:05 UTC
      2 nodes  127.0.0.1:7711  127.0.0.1:7712

      D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1
      Queue       emails
      State       queued on 127.0.0.1:7711
      Retry       after 5m without an acknowledgement
      Deliveries  1 NACK, 2 additional deliveries
      Copies      2 of 2 asked for: 127.0.0.1:7711 and 127.0.0.1:7712
      Silent      127.0.0.1:7713: does not answer

      Timeline (UTC)
      2026-01-02 03:00:45  3m 20s ago  created
      2026-01-02 03:08:05  in 4m
        queued again, if it was taken by then and not acknowledged
      2026-01-03 02:04:05  in 23h      deleted, done or not

      Body, 27 B
      {
        "to": "ada",
        "text": "hello"
      }







      Esc back  ↑↓ scroll  d delete  ? help  q quit"
    `)
  })

  it("has as many lines as the screen, none of them wider, on screens of all sizes", () => {
    for (const make of [(c: number, r: number) => at(c, r, sampled), opened, openedJob]) {
      for (const [columns, rows] of [
        [80, 24],
        [120, 40],
        [40, 20],
        [200, 60],
        [20, 5],
        [7, 3],
        [1, 1]
      ] as const) {
        for (const extra of [[], [key("?")], [key("d")], [key("/"), key("x")]]) {
          const model = extra.reduce<Model>((model, event) => update(model, event)[0], make(columns, rows))
          const { cursor, lines } = view(model, { hasColor: true })
          assert.strictEqual(lines.length, rows)
          for (const line of lines) assert.isAtMost(width(plain(line)), columns, `${columns}x${rows}: ${plain(line)}`)
          if (cursor !== undefined) assert.isBelow(cursor.column, columns)
        }
      }
    }
  })

  it("names a node that does not answer, and for how long", () => {
    const nodes = [node("127.0.0.1:7711"), node("127.0.0.1:7712", "12 seconds")]
    const [, second, third] = screen(at(80, 10, { _tag: "Sampled", snapshot: snapshot(queues, nodes) }))
    assert.strictEqual(second, "2 nodes  127.0.0.1:7712 does not answer (12s)  127.0.0.1:7711")
    assert.strictEqual(third, "Jobs on nodes that do not answer are not among the figures.")
  })

  it("says that no node answers, and shows what was known", () => {
    const dead: Event = { _tag: "Sampled", snapshot: snapshot([], [node("127.0.0.1:7711", 0)], 1000) }
    const lines = screen(at(80, 10, sampled, dead, { _tag: "Ticked", now: began + 31_000 }))
    assert.strictEqual(lines[2], "No node has answered for 30s: what is shown is from before.")
    assert.isTrue(lines.some((line) => line.includes("orders")))
  })

  it("shows names that would control the terminal as text", () => {
    const name = "a\u001b[2J\u202eb\nc"
    const model = at(120, 10, { _tag: "Sampled", snapshot: snapshot([queue(name)]) })
    const { lines } = view(model, { hasColor: false })
    assert.isTrue(lines.some((line) => line.includes("a\\x1b[2J\\u{202e}b\\x0ac")))
    for (const shown of [model, at(80, 10, { _tag: "Sampled", snapshot: snapshot([queue(name)]) }, key("enter"))]) {
      for (const line of view(shown, { hasColor: false }).lines) assert.notMatch(plain(line), /[\p{Cc}\u202e]/u)
    }
  })

  it("shows the end of what is typed where it is longer than the screen", () => {
    const long = queue("x".repeat(100))
    const model = at(40, 10, { _tag: "Sampled", snapshot: snapshot([long]) }, key("d"), { _tag: "Paste", text: "abc" })
    const { cursor, lines } = view(model, { hasColor: false })
    assert.isTrue(lines.at(-1)?.endsWith("Type its name: abc"))
    assert.deepStrictEqual(cursor, { row: 9, column: 39 })
  })

  it("colors what is wrong, and has no colors without", () => {
    const colored = view(at(80, 10, sampled), { hasColor: true }).lines.join("\n")
    assert.include(colored, "\u001b[31m")
    const uncolored = view(at(80, 10, sampled), { hasColor: false }).lines.join("\n")
    // The row that is selected is inverted all the same.
    assert.notInclude(uncolored.replaceAll("\u001b[7m", "").replaceAll("\u001b[27m", ""), "\u001b")
  })

  it("draws ten thousand queues about as fast as a hundred", () => {
    /** The least time that a key takes, in ms. */
    const time = (count: number) => {
      const many = Array.from({ length: count }, (_, i) => queue(`queue-${i}`, { length: i % 100 }))
      let model = at(80, 24, { _tag: "Sampled", snapshot: snapshot(many) })
      let least = Number.POSITIVE_INFINITY
      for (let i = 0; i < 50; i++) {
        const before = performance.now()
        model = update(model, key("down"))[0]
        view(model, { hasColor: true })
        least = Math.min(least, performance.now() - before)
      }
      return least
    }
    const few = time(100)
    assert.isBelow(time(10_000), 10 * few + 1)
  })
})
