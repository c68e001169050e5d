import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { type FileSystem, type Path, Terminal } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, type Scope, TestClock } from "effect"
import * as Demo from "../src/demo/demo.js"
import * as Screen from "../src/demo/screen.js"

const isRoot = process.getuid?.() === 0

/** A folder with files of its own, until the scope ends. */
const folderOf = (files: Record<string, string | Uint8Array>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "disco-demo-"))
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(join(folder, name, ".."), { recursive: true })
        writeFileSync(join(folder, name), content)
      }
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

/** Runs the demo on a terminal that is none, and gives what it has shown so far. */
const start = (folder: string) =>
  Effect.gen(function* () {
    const shown: Array<string> = []
    const terminal = Terminal.Terminal.of({
      ...(yield* Terminal.Terminal),
      isTTY: Effect.succeed(false),
      display: (text) => Effect.sync(() => void shown.push(text))
    })
    const fiber = yield* Effect.fork(
      Effect.gen(function* () {
        const screen = yield* Screen.make
        yield* Demo.run({ folder, skipped: new Set(["skipped"]), through: "a node in the process", screen })
      }).pipe(Effect.scoped, Effect.provideService(Terminal.Terminal, terminal))
    )
    const text = () => shown.join("")
    // Files are read in real time, and the rest happens when the clock is set forward.
    const pass = Effect.zipRight(
      TestClock.adjust("50 millis"),
      Effect.promise(() => new Promise(setImmediate))
    )
    const until = (isThere: () => boolean) => Effect.repeat(pass, { until: isThere })
    return {
      fiber,
      text,
      until,
      end: Effect.zipRight(
        until(() => fiber.unsafePoll() !== null),
        Fiber.join(fiber)
      )
    }
  })

const run = (folder: string) =>
  Effect.gen(function* () {
    const { end, text } = yield* start(folder)
    yield* end
    return text()
  })

const failing = (folder: string) => Effect.map(Effect.flip(run(folder)), ({ message }) => message)

const itDoes = (name: string, body: () => Effect.Effect<void, unknown, Needs>) =>
  it.scoped(name, () => Effect.provide(body(), Layer.merge(EmbeddedDisque.layerPool, NodeContext.layer)))

type Needs = DisquePool | FileSystem.FileSystem | Path.Path | Terminal.Terminal | Scope.Scope

const few = { "a.txt": "one two\nthree\n", "b/c.txt": "four", "b/d.bin": new Uint8Array([0, 255, 10]), e: "" }

describe("the demo", () => {
  itDoes("does every file, those of the worker that crashed too, and its totals are those of a plain walk", () =>
    Effect.gen(function* () {
      const text = yield* run(yield* folderOf(few))
      assert.match(text, /^4 files in /)
      assert.match(text, /worker 5 crashes with 3 jobs in its hands: a\.txt, b\/c\.txt, b\/d\.bin\n/)
      assert.strictEqual(text.match(/ came back, and worker \d did it \(delivery 2\)\n/g)?.length, 3)
      assert.match(text, /\n {2}4 of 4 files done\n/)
      assert.match(text, /\n {2}files +4 +4\n {2}bytes +21 +21\n {2}lines +3 +3\n {2}words +5 +5\n/)
      assert.match(text, /redeliveries +3\n/)
      assert.match(text, /every file was done/)
    })
  )

  itDoes("follows no links, and leaves out folders that are not the project's own", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({ "skipped/x": "x", y: "y" })
      symlinkSync(".", join(folder, "self"))
      symlinkSync("y", join(folder, "z"))
      assert.match(yield* run(folder), /^1 file in .*\n.*\n.*with 1 job in its hands: y\n/)
    })
  )

  itDoes("shows names that would control a terminal without doing what they say", () =>
    Effect.gen(function* () {
      assert.include(yield* run(yield* folderOf({ "a\u001b[31m\nb": "" })), "in its hands: a\\x1b[31m\\x0ab\n")
    })
  )

  itDoes("names a file that changes meanwhile, and compares the others", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({ a: "a", log: "1" })
      const { end, text, until } = yield* start(folder)
      yield* until(() => text().includes("crashes with"))
      appendFileSync(join(folder, "log"), "2")
      yield* end
      assert.match(text(), /files +1 +1\n/)
      assert.match(text(), /changed meanwhile, and left out of the table: log\n/)
    })
  )

  itDoes("gives back the jobs in hand when it is interrupted, and says so", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({ a: "", b: "", c: "", d: "" })
      const { fiber, text, until } = yield* start(folder)
      yield* until(() => text().includes("crashes with"))
      const end = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* until(() => end.unsafePoll() !== null)
      assert.match(text(), /\nstopped: (no job was|\d jobs? in hand, (all )?given back)/)
      assert.match(text(), /; \d of 4 files done\n$/)
    })
  )

  itDoes("fails with one sentence for a folder that is missing, a file, or empty", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({ file: "", "none/skipped/file": "" })
      const at = (name: string) => join(folder, name)
      assert.strictEqual(yield* failing(at("missing")), `the folder "${at("missing")}" does not exist`)
      assert.strictEqual(yield* failing(at("file")), `"${at("file")}" is not a folder`)
      assert.strictEqual(yield* failing(at("none")), `there are no files in the folder "${at("none")}"`)
    })
  )

  // Nothing is unreadable to root.
  it.scoped.skipIf(isRoot)(
    "fails for a folder that may not be read, and says which folders below it may not (not as root)",
    () =>
      Effect.gen(function* () {
        const folder = yield* folderOf({ a: "", "closed/b": "" })
        chmodSync(join(folder, "closed"), 0)
        assert.strictEqual(
          yield* failing(join(folder, "closed")),
          `the folder "${join(folder, "closed")}" cannot be read: permission denied`
        )
        assert.match(yield* run(folder), /\n {2}left out, because there is no looking at them: closed\n/)
        chmodSync(join(folder, "closed"), 0o700)
      }).pipe(Effect.provide(Layer.merge(EmbeddedDisque.layerPool, NodeContext.layer)))
  )
})
