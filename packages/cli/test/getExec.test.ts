import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DisquePool, Job } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { start } from "./utils/process.js"

/** A node in a process of its own, and a folder for what commands write. */
let served: ReturnType<typeof start>
let nodes = ""
let folder = ""

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "disco-exec-"))
  served = start(["serve", "--port", "0"])
  await served.shows("(Ctrl-C end")
  nodes = /127\.0\.0\.1:\d+/.exec(served.out.stdout)?.[0] ?? ""
}, 120_000)

afterAll(async () => {
  served.child.kill("SIGTERM")
  await served.ended
  rmSync(folder, { recursive: true, force: true })
})

const withPool = <A, E>(use: (pool: DisquePool.Service) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(DisquePool, use), NodeDisque.layerPool({ nodes: [nodes] })))

const add = (queue: string, bodies: ReadonlyArray<string>, options = {}) =>
  withPool((pool) => Effect.forEach(bodies, (body) => pool.addJob(queue, body, { retry: "1 hour", ...options })))

/** What is in the queue, and how often each job was put back. */
const left = (queue: string, timeout = 200) =>
  withPool((pool) =>
    Effect.map(pool.getJobs(queue, { count: 100, timeout }), (jobs) =>
      jobs.map((job) => [Job.text(job), job.nacks, job.additionalDeliveries] as const).sort()
    )
  )

const get = (queue: string, command: string, ...options: ReadonlyArray<string>) =>
  start(["get", queue, "--exec", command, ...options, "--nodes", nodes], { XDG_CONFIG_HOME: "/nowhere" })

const file = (name: string) => join(folder, name)

/** Waits until a file has a text. */
const written = async (name: string, text: string) => {
  for (let i = 0; i < 4000; i++) {
    try {
      if (readFileSync(file(name), "utf8").includes(text)) return
    } catch {
      // It is not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(`${name} does not have ${text}`)
}

// A process takes its time to start, more of it on a machine that does other things.
describe("disco get --exec as a process", { timeout: 240_000 }, () => {
  it("ends the command on SIGINT, and the job comes again", async () => {
    await add("stopped", ["a"], { retry: "2 seconds" })
    const { child, ended } = get("stopped", `echo begun > ${file("stopped")}; sleep 60`, "--follow")
    await written("stopped", "begun")
    const before = performance.now()
    child.kill("SIGINT")
    const { code } = await ended
    assert.strictEqual(code, 130)
    assert.isBelow(performance.now() - before, 2500)
    // At once, or after its retry time if the node was too slow to take it back.
    const [again] = await left("stopped", 20_000)
    assert.deepStrictEqual(again?.slice(0, 2), ["a", 0])
  })

  it("loses nothing when it is killed in the middle: the job comes again after its retry time", async () => {
    await add("killed", ["a"], { retry: "2 seconds" })
    const { child, ended } = get("killed", `echo begun > ${file("killed")}; sleep 5`)
    await written("killed", "begun")
    child.kill("SIGKILL")
    await ended
    assert.deepStrictEqual(await left("killed", 20_000), [["a", 0, 1]])
  })
})
