/** How soon a job reaches who waits for it: a worker without work, and a GETJOB by hand. */
import { setTimeout } from "node:timers/promises"
import { Disco } from "../peers/disco.js"
import { Raw } from "../peers/raw.js"
import { type Contender, hold } from "../shared/contest.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import { profiles } from "../shared/profile.js"
import { show } from "../shared/section.js"

const queue = queueOf("latency")
const body = "x".repeat(100)

// After this time whoever waits for jobs waits again.
const restMillis = 3

/** Adds job after job. `wait` begins to wait for a job; `settle` does with it what the worker does by itself. */
const oneByOne =
  <A>(adder: Raw, queue: string, wait: () => Promise<A>, settle: (arrived: A) => Promise<void>): Contender["run"] =>
  async (jobs, took) => {
    for (let i = 0; i < jobs; i++) {
      const arrival = wait()
      await setTimeout(restMillis)
      const started = performance.now()
      const added = adder.addSingly(queue, body, 1)
      const arrived = await arrival
      took(performance.now() - started)
      await added
      await settle(arrived)
    }
  }

export const latency: Measurement = {
  name: "latency",
  title:
    "From the ADDJOB of a job to the start of the handler of an idle Worker, beside the reply to a GETJOB that waits.",
  nodes: 1,
  hasGoals: true,
  measure: async ({ nodes: [node] }, effort) => {
    const adder = await Raw.open(node, 1)
    const getter = await Raw.open(node, 1)
    const disco = await Disco.open(node)
    const rawQueue = `${queue}-raw`
    const workerQueue = `${queue}-worker`
    let arrived = () => {}
    await disco.answering(workerQueue, () => arrived())
    const contenders: ReadonlyArray<Contender> = [
      {
        name: "raw GETJOB",
        run: oneByOne(
          adder,
          rawQueue,
          () => getter.get(rawQueue, 1, 1),
          (ids) => getter.ack(ids)
        )
      },
      {
        name: "Worker",
        run: oneByOne(
          adder,
          workerQueue,
          () =>
            new Promise<void>((resolve) => {
              arrived = resolve
            }),
          async () => {}
        )
      }
    ]
    const jobs = 300
    const outcome = await hold({ title: "one job at a time, 100 B", jobs, contenders }, effort)
    const profile = await profiles(contenders, jobs, effort)
    await disco.close()
    for (const raw of [adder, getter]) raw.close()
    return {
      text: `${show(outcome, [])}\n${profile}`,
      figures: {
        latency50: outcome.ratio("Worker", "raw GETJOB", "p50"),
        latency99: outcome.ratio("Worker", "raw GETJOB", "p99")
      }
    }
  }
}
