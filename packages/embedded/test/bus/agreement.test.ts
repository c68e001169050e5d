import { setTimeout } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { clusters, eventually, jobsOn, type Nodes, reachable, stays } from "../utils/clusters.js"

const all = [0, 1, 2] as const
const leaving = "Error: LEAVING This node is leaving the cluster, please connect to a different one"
const notEnough = "Error: NOREPL Not enough reachable nodes for the requested replication level"

let lastQueue = 0
const newQueue = () => `q${++lastQueue}`

for (const [name, start] of Object.entries(clusters)) {
  describe.skipIf(start === undefined)(`three ${name}`, { timeout: 120_000 }, () => {
    let nodes: Nodes
    let jobs: ReturnType<typeof jobsOn>

    beforeAll(async () => {
      nodes = (await start?.()) as Nodes
      jobs = jobsOn(nodes)
    }, 60_000)

    afterAll(() => nodes.stop())

    for (const [command, counter, other] of [
      ["NACK", "nacks", "deliveries"],
      ["ENQUEUE", "deliveries", "nacks"]
    ] as const) {
      describe.concurrent(command, () => {
        it("where a job was fetched queues it there alone, and all holders count that", async () => {
          const queue = newQueue()
          const id = await jobs.add(0, queue, "REPLICATE", "3")
          assert.deepStrictEqual(await jobs.states(id), ["queued", "active", "active"])
          for (const times of [1, 2]) {
            await jobs.take(0, queue, id)
            assert.strictEqual(await nodes.ask(0, command, id), "1")
            await eventually(() => jobs.onAll(id), {
              states: ["queued", "active", "active"],
              [counter]: [times, times, times],
              [other]: [0, 0, 0]
            })
          }
        })

        it("at another holder queues a job there, where it is delivered once, and nowhere else", async () => {
          const queue = newQueue()
          const id = await jobs.add(0, queue, "REPLICATE", "3")
          await jobs.take(0, queue, id)
          assert.strictEqual(await nodes.ask(1, command, id), "1")
          await eventually(() => jobs.onAll(id), {
            states: ["active", "queued", "active"],
            [counter]: [1, 1, 1],
            [other]: [0, 0, 0]
          })
          const nacks = command === "NACK" ? "1" : "0"
          assert.deepStrictEqual(await nodes.wait(1, "GETJOB", "WITHCOUNTERS", "FROM", queue), [
            [queue, id, "body", "nacks", nacks, "additional-deliveries", nacks === "1" ? "0" : "1"]
          ])
          await stays(() => jobs.states(id), ["active", "active", "active"], 1500)
        })

        it("at all holders at once counts each time on each of them, and leaves the job queued", async () => {
          const queue = newQueue()
          const id = await jobs.add(0, queue, "REPLICATE", "3")
          await jobs.take(0, queue, id)
          assert.deepStrictEqual(await Promise.all(all.map((node) => nodes.ask(node, command, id))), ["1", "1", "1"])
          await eventually(async () => (await jobs.onAll(id))[counter], [3, 3, 3])
          assert.include(await jobs.states(id), "queued")
        })

        it("does nothing on a node that does not hold the job, or where it is queued, acknowledged or unknown", async () => {
          const queue = newQueue()
          const id = await jobs.add(0, queue, "REPLICATE", "1")
          assert.strictEqual(await nodes.ask(0, command, id), "0")
          await jobs.take(0, queue, id)
          assert.strictEqual(await nodes.ask(1, command, id), "0")
          assert.deepStrictEqual(await jobs.onAll(id), {
            states: ["active", "-", "-"],
            nacks: [0, undefined, undefined],
            deliveries: [0, undefined, undefined]
          })
          assert.strictEqual(await nodes.ask(0, "ACKJOB", id), "1")
          for (const node of all) assert.strictEqual(await nodes.ask(node, command, id), "0")
        })

        it("does nothing about an at-most-once job that was delivered", async () => {
          const queue = newQueue()
          const id = await jobs.add(0, queue, "REPLICATE", "1", "RETRY", "0")
          await jobs.take(0, queue, id)
          assert.strictEqual(await nodes.ask(0, command, id), "0")
          assert.deepStrictEqual(await jobs.states(id), ["active", "-", "-"])
        })

        it("gives the job to one of the clients that wait, on the node that it was sent to", async () => {
          const queue = newQueue()
          const waiting = all.map((node) => jobs.given(node, queue, 10_000))
          for (const node of all) await jobs.waitedFor(node, queue, 1)
          const id = await jobs.add(0, queue, "REPLICATE", "3")
          assert.deepStrictEqual(await waiting[0], [id])
          assert.strictEqual(await nodes.ask(1, command, id), "1")
          assert.deepStrictEqual(await Promise.all(waiting), [[id], [id], []])
          assert.deepStrictEqual(await jobs.states(id), ["active", "active", "active"])
        })

        it("lets a client have the job that waits on another node", async () => {
          const queue = newQueue()
          const id = await jobs.add(0, queue, "REPLICATE", "2")
          await jobs.take(0, queue, id)
          const waiting = jobs.given(2, queue, 40_000)
          await jobs.waitedFor(2, queue, 1)
          assert.strictEqual(await nodes.ask(0, command, id), "1")
          assert.deepStrictEqual(await waiting, [id])
          assert.notInclude(await jobs.states(id), "queued")
        })
      })
    }

    describe.concurrent("the time that a job is queued", () => {
      it("is now, if a delayed job is enqueued where it was added, which counts as its first time", async () => {
        const id = await jobs.add(0, newQueue(), "REPLICATE", "3", "DELAY", "500")
        assert.strictEqual(await nodes.ask(0, "ENQUEUE", id), "1")
        await stays(
          () => jobs.onAll(id),
          { states: ["queued", "active", "active"], nacks: [0, 0, 0], deliveries: [0, 0, 0] },
          500
        )
      })

      it("is now, if a delayed job is enqueued at another holder, which counts as one more delivery", async () => {
        const id = await jobs.add(0, newQueue(), "REPLICATE", "3", "DELAY", "500")
        assert.strictEqual(await nodes.ask(1, "ENQUEUE", id), "1")
        await eventually(() => jobs.onAll(id), {
          states: ["active", "queued", "active"],
          nacks: [0, 0, 0],
          deliveries: [1, 1, 1]
        })
      })

      it("comes again after RETRY on one of the holders, all of which count it", async () => {
        const queue = newQueue()
        const id = await jobs.add(0, queue, "REPLICATE", "3", "RETRY", "2")
        await jobs.take(0, queue, id)
        await eventually(async () => (await jobs.states(id)).includes("queued"), true)
        await setTimeout(1000)
        const { deliveries, nacks, states } = await jobs.onAll(id)
        assert.deepStrictEqual(nacks, [0, 0, 0])
        assert.deepStrictEqual(new Set(deliveries).size, 1, String(deliveries))
        assert.isAtLeast(deliveries[0] ?? 0, 1)
        assert.include(states, "queued")
      })

      it("is over where the job is queued, once WORKING was said at any holder", async () => {
        const queue = newQueue()
        const id = await jobs.add(0, queue, "REPLICATE", "3")
        assert.strictEqual(await nodes.ask(1, "WORKING", id), "600")
        await eventually(() => jobs.states(id), ["active", "active", "active"])
        assert.isNull(await nodes.ask(0, "GETJOB", "NOHANG", "FROM", queue))
      })
    })

    describe.concurrent("GETJOB", () => {
      it("on a node without jobs gets one that another node gives, which knows it as before", async () => {
        const queue = newQueue()
        const waiting = jobs.given(2, queue, 40_000)
        await jobs.waitedFor(2, queue, 1)
        const id = await jobs.add(0, queue, "REPLICATE", "1")
        assert.deepStrictEqual(await waiting, [id])
        assert.deepStrictEqual(await jobs.states(id), ["active", "-", "active"])
        const [first, , third] = await Promise.all(all.map((node) => jobs.show(node, id)))
        const holders = [await nodes.ask(0, "CLUSTER", "MYID")]
        assert.deepStrictEqual(first?.["nodes-delivered"], holders)
        assert.deepStrictEqual(third?.["nodes-delivered"], holders)
        // The node that was given the job knows one holder and takes itself for it, so the other never hears of this.
        assert.strictEqual(await nodes.ask(2, "ACKJOB", id), "1")
        await stays(() => jobs.states(id), ["active", "-", "-"], 500)
      })

      it("takes a job along that all nodes hold, which is delivered once and gone once it is acknowledged", async () => {
        const queue = newQueue()
        const id = await jobs.add(0, queue, "REPLICATE", "3")
        assert.deepStrictEqual(await jobs.given(1, queue, 40_000), [id])
        await stays(() => jobs.states(id), ["active", "active", "active"], 500)
        assert.strictEqual(await nodes.ask(1, "ACKJOB", id), "1")
        await eventually(() => jobs.states(id), ["-", "-", "-"])
      })

      it("leaves nothing of an at-most-once job on the node that gave it", async () => {
        const queue = newQueue()
        const id = await jobs.add(0, queue, "REPLICATE", "1", "RETRY", "0")
        assert.deepStrictEqual(await jobs.given(2, queue, 40_000), [id])
        assert.deepStrictEqual(await jobs.states(id), ["-", "-", "active"])
      })

      it("gives the jobs of one node to the clients that wait on two others, each job once", async () => {
        const queue = newQueue()
        const waiting = [1, 1, 1, 2, 2, 2].map((node) => jobs.given(node as 1 | 2, queue, 80_000))
        for (const node of [1, 2] as const) await jobs.waitedFor(node, queue, 3)
        const ids: Array<string> = []
        for (let i = 0; i < 6; i++) ids.push(await jobs.add(0, queue, "REPLICATE", "1"))
        assert.sameMembers((await Promise.all(waiting)).flat(), ids)
      })

      it("with NOHANG gets in time, call by call, all that another node has, each job once", async () => {
        const queue = newQueue()
        const ids: Array<string> = []
        for (let i = 0; i < 10; i++) ids.push(await jobs.add(0, queue, "REPLICATE", "1"))
        const got: Array<string> = []
        const fetch = async () => {
          const found = await nodes.ask(1, "GETJOB", "NOHANG", "COUNT", "10", "FROM", queue)
          for (const [, id = ""] of (found ?? []) as ReadonlyArray<ReadonlyArray<string>>) got.push(id)
          return got.length
        }
        await eventually(fetch, ids.length, 80_000)
        assert.sameMembers(got, ids)
        assert.isNull(await nodes.ask(1, "GETJOB", "NOHANG", "FROM", queue))
        assert.strictEqual(await nodes.ask(0, "QLEN", queue), "0")
      })

      it("gets nothing of a node where the queue is paused, until it is resumed there", async () => {
        const queue = newQueue()
        const id = await jobs.add(0, queue, "REPLICATE", "1")
        await nodes.ask(0, "PAUSE", queue, "out")
        const waiting = jobs.given(1, queue, 80_000)
        await stays(() => nodes.ask(0, "QLEN", queue), "1", 3000)
        await nodes.ask(0, "PAUSE", queue, "none")
        assert.deepStrictEqual(await waiting, [id])
      })
    })

    describe("a node that leaves", () => {
      const leave = (answer: "yes" | "no") => nodes.ask(0, "CLUSTER", "LEAVING", answer)
      const priorities = async () => {
        const replies = await Promise.all(all.map((node) => nodes.ask(node, "HELLO")))
        const id = await nodes.ask(0, "CLUSTER", "MYID")
        return replies.map((reply) => {
          const known = (reply as ReadonlyArray<unknown>).slice(2) as ReadonlyArray<ReadonlyArray<string>>
          const own = known.find((node) => node[0] === id)?.[3]
          return [own, ...known.filter((node) => node[0] !== id).map((node) => node[3])]
        })
      }
      const flags = async () => {
        const id = await nodes.ask(0, "CLUSTER", "MYID")
        const shown = await Promise.all(all.map((node) => nodes.ask(node, "CLUSTER", "NODES")))
        return shown.map((lines) => new RegExp(`^${id} \\S+ (\\S+)`, "m").exec(String(lines))?.[1])
      }

      const reachables = () => Promise.all(all.map((node) => reachable(nodes, node)))

      const whileLeaving = async (use: () => Promise<void>) => {
        assert.strictEqual(await leave("yes"), "OK")
        try {
          await eventually(flags, ["myself,leaving", "leaving", "leaving"])
          await eventually(reachables, [2, 1, 1])
          await use()
        } finally {
          assert.strictEqual(await leave("no"), "OK")
          await eventually(flags, ["myself", "noflags", "noflags"])
          await eventually(reachables, [2, 2, 2])
        }
      }

      it("says so in HELLO and CLUSTER NODES, and all nodes do, until it stays after all", async () => {
        assert.strictEqual(await nodes.ask(0, "CLUSTER", "LEAVING"), "no")
        await whileLeaving(async () => {
          assert.strictEqual(await nodes.ask(0, "CLUSTER", "LEAVING"), "yes")
          await eventually(priorities, Array(3).fill(["100", "1", "1"]))
        })
        await eventually(priorities, Array(3).fill(["1", "1", "1"]))
      })

      it("keeps no copy of a job that it adds: one of the others queues it", () =>
        whileLeaving(async () => {
          for (const options of [
            ["REPLICATE", "1"],
            ["REPLICATE", "2"],
            ["REPLICATE", "2", "ASYNC"]
          ]) {
            const id = await jobs.add(0, newQueue(), ...options)
            const prefix = String(await nodes.ask(0, "CLUSTER", "MYID")).slice(0, 8)
            assert.include(id, `D-${prefix}-`)
            const expected = options[1] === "1" ? ["-", "-", "queued"] : ["-", "active", "queued"]
            await eventually(async () => [...(await jobs.states(id))].sort(), expected)
            assert.strictEqual((await jobs.states(id))[0], "-")
          }
          const refused = await nodes.ask(0, "ADDJOB", newQueue(), "body", "0", "REPLICATE", "3")
          assert.strictEqual(
            refused,
            `${notEnough}, since I'm unable to hold a copy of the message for the following reason: I'm leaving the cluster`
          )
        }))

      it("is given no copies of jobs that others add, which are refused where too few nodes are left", () =>
        whileLeaving(async () => {
          const id = await jobs.add(1, newQueue(), "REPLICATE", "2")
          assert.deepStrictEqual(await jobs.states(id), ["-", "queued", "active"])
          for (const options of [[], ["REPLICATE", "3"]]) {
            assert.strictEqual(await nodes.ask(1, "ADDJOB", newQueue(), "body", "0", ...options), notEnough)
          }
        }))

      it("still delivers what it has, and then sends its clients away", async () => {
        const queue = newQueue()
        const id = await jobs.add(0, queue, "REPLICATE", "3")
        await whileLeaving(async () => {
          assert.deepStrictEqual(await jobs.given(0, queue, 1000), [id])
          assert.strictEqual(await nodes.wait(0, "GETJOB", "FROM", queue), leaving)
          assert.isNull(await nodes.ask(0, "GETJOB", "NOHANG", "FROM", queue))
          // What is sent to it about its jobs counts as before.
          assert.strictEqual(await nodes.ask(0, "WORKING", id), "600")
          assert.strictEqual(await nodes.ask(0, "NACK", id), "1")
          await eventually(() => jobs.onAll(id), {
            states: ["queued", "active", "active"],
            nacks: [1, 1, 1],
            deliveries: [0, 0, 0]
          })
          assert.deepStrictEqual(await jobs.given(0, queue, 1000), [id])
          assert.strictEqual(await nodes.ask(0, "ACKJOB", id), "1")
          await eventually(() => jobs.states(id), ["-", "-", "-"])
        })
      })

      it("gives its jobs to clients that wait on other nodes", async () => {
        const queue = newQueue()
        const id = await jobs.add(0, queue, "REPLICATE", "1")
        await whileLeaving(async () => {
          assert.deepStrictEqual(await jobs.given(2, queue, 40_000), [id])
          assert.deepStrictEqual(await jobs.states(id), ["active", "-", "active"])
        })
      })

      it("gets no jobs of other nodes for calls that do not wait", async () => {
        const queue = newQueue()
        await jobs.add(1, queue, "REPLICATE", "1")
        await whileLeaving(async () => {
          await stays(() => nodes.ask(0, "GETJOB", "NOHANG", "FROM", queue), null, 3000)
          assert.strictEqual(await nodes.ask(1, "QLEN", queue), "1")
        })
      })

      it("sends those away who wait for a job or for copies, and forgets the job that has too few", async () => {
        const queue = newQueue()
        for (const node of [1, 2] as const) await nodes.ask(node, "PAUSE", queue, "in")
        const waited = newQueue()
        const getting = nodes.wait(0, "GETJOB", "FROM", waited)
        const adding = nodes.wait(0, "ADDJOB", queue, "body", "0", "REPLICATE", "3")
        const added = async () => {
          const [, ids] = (await nodes.ask(0, "JSCAN", "QUEUE", queue, "COUNT", "1000")) as [string, Array<string>]
          return ids.length
        }
        await jobs.waitedFor(0, waited, 1)
        await eventually(added, 1)
        await whileLeaving(async () => {
          assert.deepStrictEqual(await Promise.all([getting, adding]), [leaving, leaving])
          await eventually(added, 0)
        })
      })

      it("keeps no acknowledgement of a job that it does not know", async () => {
        const id = await jobs.add(1, newQueue(), "REPLICATE", "1", "DELAY", "500")
        await whileLeaving(async () => {
          assert.strictEqual(await nodes.ask(0, "ACKJOB", id), "0")
          await stays(() => jobs.states(id), ["-", "active", "-"], 1000)
        })
        assert.strictEqual(await nodes.ask(0, "ACKJOB", id), "0")
        await eventually(() => jobs.states(id), ["-", "-", "-"])
      })
    })
  })
}
