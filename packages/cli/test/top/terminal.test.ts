import { fileURLToPath } from "node:url"
import { DisquePool } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { start } from "../utils/serve.js"
import { disco, open, type Terminal, type TerminalOptions } from "../utils/terminal.js"

const up = "\u001b[A"
const down = "\u001b[B"
const right = "\u001b[C"
const esc = "\u001b"
const enter = "\r"
const ctrlC = "\u0003"
const ctrlZ = "\u001a"

/** Two nodes behind sockets, which can be killed, and a pool. */
const nodes = Effect.gen(function* () {
  const { lines, places } = yield* start(["--port", "0", "--port", "0", "--control-port", "0"])
  const url = /http:\/\/\S+\/nodes/.exec(lines.join("\n"))?.[0] ?? ""
  const tell = (node: number, deed: string) =>
    Effect.promise(() => fetch(`${url}/${places[node]?.split(":")[1]}/${deed}`, { method: "POST" }))
  return {
    places,
    env: { DISQUE_NODES: places.join(",") },
    kill: (node: number) => tell(node, "kill"),
    restart: (node: number) => tell(node, "restart")
  }
})

/** The real program in a terminal, until the scope ends. */
const top = (env: Readonly<Record<string, string>>, options: TerminalOptions = {}, ...words: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => open("sh", ["-c", `exec ${disco("top", ...words)}`], { ...options, env })),
    (terminal) => Effect.sync(() => terminal.close())
  )

const sees = (terminal: Terminal, text: string | RegExp) => Effect.promise(() => terminal.shows(text))

const gone = (terminal: Terminal, text: string) => Effect.promise(() => terminal.hides(text))

const press = (terminal: Terminal, keys: string) => Effect.sync(() => terminal.press(keys))

const test = <A, E>(
  name: string,
  run: (given: Effect.Effect.Success<typeof nodes>) => Effect.Effect<A, E, DisquePool | import("effect").Scope.Scope>
) =>
  it.scopedLive(name, () =>
    Effect.flatMap(nodes, (given) => Effect.provide(run(given), NodeDisque.layerPool({ nodes: given.places })))
  )

describe.skipIf(process.platform === "win32")("disco top in a terminal", { timeout: 300_000, concurrent: true }, () => {
  test("shows queues as they change, opens one and one of its jobs, and leaves the terminal as it was", ({
    env,
    places
  }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.addJob("emails", '{"to":"ada"}', { retry: "5 minutes" })
      const terminal = yield* top(env)
      yield* sees(terminal, /> ?!?emails +1 /)
      assert.isTrue(terminal.isOther())
      yield* pool.addJob("emails", "another")
      yield* sees(terminal, /emails +2 /)
      yield* press(terminal, enter)
      yield* sees(terminal, "Head of the queue")
      yield* sees(terminal, '{"to":"ada"}')
      yield* sees(terminal, places[1] ?? "")
      yield* press(terminal, terminal.screen().match(/> D-.*ada/) === null ? `${down}${enter}` : enter)
      yield* sees(terminal, "Timeline")
      yield* sees(terminal, '"to": "ada"')
      yield* press(terminal, esc)
      yield* sees(terminal, "Head of the queue")
      yield* press(terminal, esc)
      yield* gone(terminal, "Head of the queue")
      yield* press(terminal, "?")
      yield* sees(terminal, "turn the order round")
      yield* press(terminal, "x")
      yield* press(terminal, "q")
      const { exitCode } = yield* Effect.promise(() => terminal.ended)
      assert.deepStrictEqual([exitCode, terminal.isOther(), terminal.screen().trim()], [0, false, ""])
    }))

  test("pauses and resumes on all nodes, redrives, and deletes after the name was typed", ({ env, places }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const letter = {
        queue: "emails",
        id: "D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1",
        reason: "failed",
        error: "no route",
        attempts: 1,
        nacks: 0,
        additionalDeliveries: 0,
        firstAt: "2026-01-02T03:04:05.000Z",
        lastAt: "2026-01-02T03:04:05.000Z",
        retry: 300,
        ttl: 86_400,
        body: "again"
      }
      yield* pool.addJob("emails", "first")
      yield* pool.addJob("emails.dead", JSON.stringify(letter))
      const terminal = yield* top(env, { columns: 120 })
      yield* sees(terminal, /emails +1 /)
      yield* press(terminal, right)
      yield* sees(terminal, "QUEUE▲")
      yield* sees(terminal, /> ?!?emails /)
      yield* press(terminal, "p")
      yield* sees(terminal, "Pause emails?")
      yield* press(terminal, "o")
      yield* sees(terminal, "emails is paused for jobs that go out, on 2 nodes")
      for (const place of places) assert.strictEqual(yield* pool.on(place).pause("emails", "state"), "out")
      yield* sees(terminal, /emails +1 .*paused/)
      yield* press(terminal, "p")
      yield* sees(terminal, "Resume emails on all nodes?")
      yield* press(terminal, "y")
      yield* sees(terminal, "emails is not paused any more, on 2 nodes")
      yield* press(terminal, "r")
      yield* sees(terminal, "Add 1 dead letter to emails again?")
      yield* press(terminal, "y")
      yield* sees(terminal, "1 job added to emails again")
      yield* sees(terminal, /emails +2 /)
      yield* press(terminal, `d${enter}`)
      yield* sees(terminal, "nothing was changed")
      assert.strictEqual(yield* pool.queueLength("emails"), 2)
      yield* press(terminal, "d")
      yield* sees(terminal, "Type its name:")
      yield* press(terminal, `emails${enter}`)
      yield* sees(terminal, "2 jobs of emails deleted")
      assert.strictEqual(yield* pool.queueLength("emails"), 0)
    }))

  test("goes on while a node is away, and while all are, and comes back with them", ({ env, kill, places, restart }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* pool.on(places[0] ?? "").addJob("emails", "kept", { replicate: 1 })
      const terminal = yield* top(env, { columns: 120 })
      yield* sees(terminal, /emails +1 /)
      yield* kill(1)
      yield* sees(terminal, `${places[1]} does not answer`)
      yield* sees(terminal, "Jobs on nodes that do not answer are not among the figures")
      yield* sees(terminal, /emails +1 /)
      yield* kill(0)
      yield* sees(terminal, "No node has answered for")
      yield* sees(terminal, /emails +1 /)
      yield* restart(0)
      yield* restart(1)
      yield* gone(terminal, "No node has answered for")
      yield* gone(terminal, "does not answer")
      yield* press(terminal, "q")
      assert.strictEqual((yield* Effect.promise(() => terminal.ended)).exitCode, 0)
    }))

  test("draws anew when the terminal has another size", ({ env }) =>
    Effect.gen(function* () {
      yield* Effect.flatMap(DisquePool, (pool) => pool.addJob("emails", "hello"))
      const terminal = yield* top(env)
      yield* sees(terminal, "TROUBLE")
      terminal.resize(40, 10)
      yield* gone(terminal, "TROUBLE")
      yield* sees(terminal, "q quit")
      assert.match(terminal.lines().at(-1) ?? "", /q quit/)
      terminal.resize(120, 30)
      yield* sees(terminal, "WAITING")
      assert.match(terminal.lines().at(-1) ?? "", /q quit/)
    }))

  test("finds queues by a part of their name, and stays quick with ten thousand of them", ({ env }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const jobs = Array.from({ length: 10_000 }, (_, i) => ({
        queue: `queue-${i}`,
        body: "x",
        options: { replicate: 1 }
      }))
      for (let i = 0; i < jobs.length; i += 1000) yield* pool.addJobs(jobs.slice(i, i + 1000))
      const terminal = yield* top(env)
      yield* sees(terminal, "10,000 queues")
      const before = performance.now()
      for (let i = 0; i < 20; i++) yield* press(terminal, down)
      yield* press(terminal, "/")
      yield* sees(terminal, "Show queues whose names hold:")
      yield* press(terminal, "-7777")
      yield* sees(terminal, "1 of 10,000 queues")
      assert.isBelow(performance.now() - before, 5000)
      assert.match(terminal.lines()[4] ?? "", /queue-7777/)
    }))

  test("shows a name that would control the terminal as text", ({ env }) =>
    Effect.gen(function* () {
      yield* Effect.flatMap(DisquePool, (pool) => pool.addJob("\u001b[2J\u001b[?1049lgone\r\n", "x"))
      const terminal = yield* top(env, { columns: 120 })
      yield* sees(terminal, "\\x1b[2J\\x1b[?1049lgone\\x0d\\x0a")
      assert.isTrue(terminal.isOther())
    }))

  test("gives the terminal back when it is told to end, with the status of the signal", ({ env }) =>
    Effect.gen(function* () {
      for (const [signal, status] of [
        ["SIGTERM", 143],
        ["SIGHUP", 129],
        ["SIGINT", 130],
        [undefined, 130]
      ] as const) {
        const terminal = yield* top(env)
        yield* sees(terminal, "q quit")
        yield* Effect.sync(() => (signal === undefined ? terminal.press(ctrlC) : terminal.kill(signal)))
        const { exitCode } = yield* Effect.promise(() => terminal.ended)
        assert.deepStrictEqual([exitCode, terminal.isOther()], [status, false], signal)
      }
    }))

  test("stops by Ctrl-Z with the terminal as the shell left it, and goes on by fg", ({ env }) =>
    Effect.gen(function* () {
      yield* Effect.flatMap(DisquePool, (pool) => pool.addJob("emails", "hello"))
      const terminal = yield* Effect.acquireRelease(
        Effect.sync(() => open("sh", ["-i"], { env: { ...env, PS1: "shell> ", ENV: "" } })),
        (terminal) => Effect.sync(() => terminal.close())
      )
      yield* sees(terminal, "shell>")
      yield* press(terminal, `stty -a > /dev/null; ${disco("top")}${enter}`)
      yield* sees(terminal, /emails +1 /)
      yield* press(terminal, ctrlZ)
      yield* sees(terminal, /Stopped|Suspended/)
      assert.isFalse(terminal.isOther())
      yield* press(terminal, `echo it is $((6 * 7))${enter}`)
      yield* sees(terminal, "it is 42")
      yield* press(terminal, `fg${enter}`)
      yield* sees(terminal, /emails +1 /)
      assert.isTrue(terminal.isOther())
      yield* press(terminal, `${down}${up}q`)
      // What is typed before the shell asks again may still reach the program.
      yield* sees(terminal, /fg\n[^>]*shell>\s*$/)
      assert.isFalse(terminal.isOther())
      yield* press(terminal, `echo status $?; stty -a${enter}`)
      yield* sees(terminal, "status 0")
      yield* sees(terminal, /(^|\s)icanon/m)
      yield* sees(terminal, /(^|\s)isig/m)
    }))

  it("says that it needs a terminal where there is none", async () => {
    const terminal = open("sh", ["-c", `${disco("top")} < /dev/null`], { env: { DISQUE_NODES: "127.0.0.1:1" } })
    try {
      assert.notStrictEqual((await terminal.ended).exitCode, 0)
    } finally {
      terminal.close()
    }
  })
})

describe.skipIf(process.platform === "win32")("the screen of a program that fails", { timeout: 120_000 }, () => {
  const script = fileURLToPath(new URL("../data/crash.ts", import.meta.url))

  for (const [how, message] of [
    ["defect", "a defect of the program"],
    ["exception", "an exception of a callback"],
    ["exit", ""]
  ] as const) {
    it(`is given back after: ${how}`, async () => {
      const terminal = open(process.execPath, ["--import", "tsx", script, how], {})
      try {
        await terminal.shows("about to fail")
        assert.isTrue(terminal.isOther())
        assert.notStrictEqual((await terminal.ended).exitCode, 0)
        await terminal.shows(message)
        assert.isFalse(terminal.isOther())
        assert.notInclude(terminal.screen(), "about to fail")
      } finally {
        terminal.close()
      }
    })
  }
})
