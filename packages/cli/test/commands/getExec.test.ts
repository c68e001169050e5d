import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DisquePool, Job } from "@disco/core"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { takeAll } from "../utils/jobs.js"

const folder = mkdtempSync(join(tmpdir(), "disco-exec-"))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string) => join(folder, name)

const text = (name: string) => Effect.sync(() => readFileSync(file(name), "utf8"))

/** Waits until a file has a text. */
const written = (name: string, part: string) =>
  text(name).pipe(
    Effect.catchAllDefect(() => Effect.succeed("")),
    Effect.delay(20),
    Effect.repeat({ until: (whole) => whole.includes(part) })
  )

const addAll = (queue: string, bodies: ReadonlyArray<string>, retry: `${number} seconds` = "3600 seconds") =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(bodies, (body, i) => pool.on(`127.0.0.1:${7711 + (i % 3)}`).addJob(queue, body, { retry }))
  )

/** What is in the queue, and how often each job was put back. */
const left = (queue: string) =>
  Effect.map(takeAll(queue), (jobs) =>
    jobs.map((job) => [Job.text(job), job.nacks, job.additionalDeliveries] as const).sort()
  )

// Commands run in real time.
const get = (queue: string, command: string, ...options: ReadonlyArray<string>) =>
  disco(["get", queue, "--exec", command, ...options], { isLive: true })

describe("disco get --exec", () => {
  it.live("gives a command the body and the job, and acknowledges the job if it ends with status 0", () =>
    Effect.gen(function* () {
      const [id] = yield* addAll("q", ["a body\n"])
      const names = "$DISCO_JOB_ID $DISCO_QUEUE $DISCO_NODE $DISCO_NACKS $DISCO_ADDITIONAL_DELIVERIES"
      const { status, stderr } = yield* get("q", `cat > ${file("body")}; echo "${names}" > ${file("names")}`)
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      assert.strictEqual(yield* text("body"), "a body\n")
      assert.match(yield* text("names"), new RegExp(`^${id?.replaceAll("+", "\\+")} q 127\\.0\\.0\\.1:771\\d 0 0\\n$`))
      assert.deepStrictEqual(yield* left("q"), [])
    }).pipe(Effect.provide(cluster))
  )

  it.live("puts a job back by NACK whose command fails, at the end, and goes on with the others", () =>
    Effect.gen(function* () {
      const [bad] = yield* addAll("q", ["bad", "good", "fine"])
      const command = `read -r line || true; echo "$line" >> ${file("lines")}; [ "$line" != bad ] || exit 3`
      const { status, stderr } = yield* get("q", command, "--count", "3")
      assert.deepStrictEqual(
        { status, stderr },
        { status: 1, stderr: `disco: ${bad}: the command ended with status 3, and the job goes back\n` }
      )
      assert.sameMembers((yield* text("lines")).trimEnd().split("\n"), ["bad", "good", "fine"])
      assert.deepStrictEqual(yield* left("q"), [["bad", 1, 0]])
    }).pipe(Effect.provide(cluster))
  )

  it.live("does not run a job again that is delivered once only, and says so", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* pool.addJob("q", "once", { retry: 0, replicate: 1 })
      const { status, stderr } = yield* get("q", "exit 3")
      assert.strictEqual(status, 1)
      assert.strictEqual(
        stderr,
        `disco: ${id}: the command ended with status 3, and the job is delivered once only (RETRY 0)\n`
      )
      assert.deepStrictEqual(yield* left("q"), [])
    }).pipe(Effect.provide(cluster))
  )

  it.live("runs as many commands at a time as --concurrency says", () =>
    Effect.gen(function* () {
      yield* addAll("q", ["1", "2", "3"])
      // With words of the shell alone.
      const all = `n=0; while read -r _; do n=$((n + 1)); done < ${file("begun")}; [ $n -ge 3 ]`
      const command = `echo x >> ${file("begun")}; i=0; while [ $((i += 1)) -le 500 ]; do ${all} && exit 0; sleep 0.05; done; exit 1`
      const { status } = yield* get("q", command, "--count", "3", "--concurrency", "3")
      assert.strictEqual(status, 0)
    }).pipe(Effect.provide(cluster))
  )

  it.live("tells of each job in a line with --json", () =>
    Effect.gen(function* () {
      yield* addAll("q", ["1"])
      const { status, stdout } = yield* get("q", "true", "--json")
      assert.strictEqual(status, 0)
      const { body, exec, outcome } = JSON.parse(stdout)
      assert.deepStrictEqual(
        { body, exec, outcome },
        { body: "1", exec: "ended with status 0", outcome: "acknowledged" }
      )
    }).pipe(Effect.provide(cluster))
  )

  it.live("keeps the lease of a job while its command runs for longer than the retry time", () =>
    Effect.gen(function* () {
      yield* addAll("q", ["a"], "1 seconds")
      const running = yield* Effect.fork(get("q", `echo begun > ${file("long")}; sleep 3`))
      yield* written("long", "begun")
      yield* Effect.sleep("2500 millis")
      assert.deepStrictEqual(yield* left("q"), [])
      assert.strictEqual((yield* Fiber.join(running)).status, 0)
      yield* Effect.sleep("1500 millis")
      assert.deepStrictEqual(yield* left("q"), [])
    }).pipe(Effect.provide(cluster))
  )

  it.live("ends the command and what it has started when it is interrupted, and puts the job back by ENQUEUE", () =>
    Effect.gen(function* () {
      yield* addAll("q", ["a", "b"])
      const trap = `trap 'echo ended >> ${file("trap")}; exit 0' TERM`
      const running = yield* Effect.fork(
        get("q", `${trap}; echo begun > ${file("trap")}; while true; do sleep 0.1; done`, "--follow")
      )
      yield* written("trap", "begun")
      yield* Fiber.interrupt(running)
      assert.strictEqual(yield* text("trap"), "begun\nended\n")
      assert.deepStrictEqual(
        (yield* left("q")).map(([body, nacks]) => [body, nacks]),
        [
          ["a", 0],
          ["b", 0]
        ]
      )
    }).pipe(Effect.provide(cluster))
  )

  it.live("kills a command that does not end when it is told to", () =>
    Effect.gen(function* () {
      yield* addAll("q", ["a"])
      const running = yield* Effect.fork(
        get("q", `trap '' TERM; echo $$ > ${file("pid")}; while true; do sleep 0.1; done`, "--follow")
      )
      yield* written("pid", "\n")
      yield* Fiber.interrupt(running)
      const pid = Number(yield* text("pid"))
      assert.throws(() => process.kill(pid, 0), /ESRCH/)
      assert.strictEqual((yield* left("q")).length, 1)
    }).pipe(Effect.provide(cluster))
  )
})
