import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Call, realServer, withEmbedded, withReal } from "../utils/brokers.js"
import { nodeIdOf, run } from "../utils/sameFile.js"

const binaryQueue = "q\u0000\u00ff\r\n"

/** Jobs in all states, of all kinds. */
const commands = [
  ["ADDJOB", "queued", "body", "0"],
  ["ADDJOB", "delayed", "delayed", "0", "DELAY", "1000"],
  ["ADDJOB", "once", "once", "0", "RETRY", "0"],
  ["ADDJOB", "once", "taken once", "0", "RETRY", "0", "TTL", "3000"],
  ["ADDJOB", "all", "all", "1000", "REPLICATE", "1", "DELAY", "500", "RETRY", "700", "TTL", "5000", "ASYNC"],
  ["ADDJOB", binaryQueue, "\u0000\u00ff\r\n*2\r\n", "0"],
  ["ADDJOB", "empty", "", "0"],
  ["ADDJOB", "long", "x".repeat(70_000), "0"],
  ["ADDJOB", "taken", "in the hands of a consumer", "0"],
  ["ADDJOB", "nacked", "nacked", "0", "RETRY", "1000"],
  ["ADDJOB", "acked", "acked", "0"],
  ["ADDJOB", "deleted", "deleted", "0"],
  ["ADDJOB", "out", "taken out of its queue", "0"],
  ["GETJOB", "FROM", "taken"],
  ["GETJOB", "FROM", "nacked"],
  ["NACK", "{10}"],
  ["ACKJOB", "{11}"],
  ["DELJOB", "{12}"],
  ["DEQUEUE", "{13}"]
]
const gone = [10, 11]
const queues = commands.flatMap(([name, queue]) => (name === "ADDJOB" ? [String(queue)] : []))

/** The fields of SHOW that move with time, and how far on a busy machine, in their units. */
const moving: Readonly<Record<string, number>> = {
  ttl: 20,
  "next-requeue-within": 20_000,
  "next-awake-within": 20_000
}

type Fields = ReadonlyMap<string, unknown>

interface Contents {
  readonly jobs: ReadonlyArray<Fields | null>
  readonly queues: ReadonlyArray<string>
  readonly id: string
}

const contents = async (call: Call, ids: ReadonlyArray<string>): Promise<Contents> => {
  const jobs: Array<Fields | null> = []
  for (const id of ids) {
    const shown = (await call("SHOW", id)) as ReadonlyArray<unknown> | null
    const pairs = shown?.flatMap((name, i) => (i % 2 === 0 ? [[String(name), shown[i + 1]] as const] : []))
    jobs.push(pairs === undefined ? null : new Map(pairs))
  }
  const lengths: Array<string> = []
  for (const queue of queues) lengths.push(`${queue} ${await call("QLEN", queue)}`)
  const [, id] = (await call("HELLO")) as ReadonlyArray<unknown>
  return { jobs, queues: lengths, id: String(id) }
}

const assertSame = (found: Contents, expected: Contents): void => {
  assert.strictEqual(found.id, expected.id)
  assert.deepStrictEqual(found.queues, expected.queues)
  for (const [i, job] of expected.jobs.entries()) {
    const other = found.jobs[i] ?? null
    assert.strictEqual(other === null, job === null, `job ${i}`)
    for (const [name, value] of job ?? []) {
      const shown = other?.get(name)
      const spread = moving[name]
      if (spread === undefined || value === null) assert.deepStrictEqual(shown, value, `${name} of job ${i}`)
      else assert.approximately(Number(shown), Number(value), spread, `${name} of job ${i}`)
    }
  }
  for (const [i, job] of expected.jobs.entries()) assert.strictEqual(job === null, gone.includes(i), `job ${i}`)
}

const inFolders = async (use: (dir: string, other: string) => Promise<void>): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), "disco-real-"))
  try {
    const dir = join(root, "one")
    mkdirSync(dir)
    await use(dir, join(root, "other"))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Another folder with the files of a node as they are now: what a crash would leave. */
const crashed = (dir: string, other: string): void => {
  cpSync(dir, other, { recursive: true, filter: (path) => !path.endsWith("disque.lock") })
}

const cut = (dir: string): void => {
  const file = join(dir, "disque.aof")
  truncateSync(file, statSync(file).size - 7)
}

/** What an embedded node and a real server show of a folder. Both see the same files, for the first gets a copy. */
const assertBothShow = async (dir: string, ids: ReadonlyArray<string>, isOnce: boolean): Promise<void> => {
  const copy = `${dir}-copy`
  crashed(dir, copy)
  const ours = await withEmbedded({ dir: copy, enqueueJobsOnce: isOnce }, (call) => contents(call, ids))
  const once = ["--aof-enqueue-jobs-once", isOnce ? "yes" : "no"]
  const theirs = await withReal(dir, once, (call) => contents(call, ids))
  assertSame(ours, theirs)
  rmSync(copy, { recursive: true })
}

describe.skipIf(realServer === undefined)(
  "an embedded node and a real server on one folder",
  { timeout: 60_000 },
  () => {
    for (const isOnce of [false, true]) {
      const how = `aof-enqueue-jobs-once ${isOnce ? "yes" : "no"}`

      it(`the server takes over after a clean end (${how})`, () =>
        inFolders(async (dir) => {
          const ids = await withEmbedded({ dir }, (call) => run(call, { commands }))
          const id = nodeIdOf(dir)
          await assertBothShow(dir, ids, isOnce)
          assert.strictEqual(nodeIdOf(dir), id)
        }))

      it(`the server takes over after a crash (${how})`, () =>
        inFolders(async (dir, other) => {
          const ids = await withEmbedded({ dir }, async (call) => {
            const ids = await run(call, { commands })
            crashed(dir, other)
            return ids
          })
          await assertBothShow(other, ids, isOnce)
          assert.strictEqual(nodeIdOf(other), nodeIdOf(dir))
        }))

      it(`the embedded node takes over from a server that was killed (${how})`, () =>
        inFolders(async (dir) => {
          const ids = await withReal(dir, [], (call) => run(call, { commands }))
          await assertBothShow(dir, ids, isOnce)
        }))

      it(`the embedded node takes over from a server that has rewritten its file (${how})`, () =>
        inFolders(async (dir) => {
          const ids = await withReal(dir, [], (call) => run(call, { commands: [...commands, ["REWRITE"]] }))
          await assertBothShow(dir, ids, isOnce)
        }))
    }

    it("both cut a torn tail off at the same place", () =>
      inFolders(async (dir, other) => {
        const ids = await withReal(dir, [], async (call) => {
          const ids = await run(call, { commands })
          await call("ADDJOB", "torn", "torn", "0")
          return ids
        })
        cut(dir)
        crashed(dir, other)
        await assertBothShow(dir, ids, true)
        await withEmbedded({ dir: other }, async () => {
          assert.deepStrictEqual(readFileSync(join(other, "disque.aof")), readFileSync(join(dir, "disque.aof")))
        })
      }))

    it("the folder goes to and fro, and each hands on what it added", () =>
      inFolders(async (dir) => {
        const [first = ""] = await withEmbedded({ dir }, (call) => run(call, { commands: [["ADDJOB", "q", "1", "0"]] }))
        const [second = ""] = await withReal(dir, [], (call) => run(call, { commands: [["ADDJOB", "q", "2", "0"]] }))
        const [third = ""] = await withEmbedded({ dir }, (call) => run(call, { commands: [["ADDJOB", "q", "3", "0"]] }))
        await withReal(dir, ["--aof-enqueue-jobs-once", "yes"], async (call) => {
          const jobs = (await call("GETJOB", "COUNT", "9", "FROM", "q")) as ReadonlyArray<ReadonlyArray<string>>
          assert.sameMembers(
            jobs.map(([, id]) => id),
            [first, second, third]
          )
        })
      }))
  }
)
