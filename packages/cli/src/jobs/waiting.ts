/** The jobs that wait in a queue, on all nodes together. */
import type { DisqueCommands } from "@disco/core"
import type { JobNodes } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { body, seconds } from "../output/fields.js"
import type { JobFields } from "./jobFields.js"

const idsAtATime = 16

const onNode = (commands: DisqueCommands, node: string, queue: string, count: number, from: "oldest" | "newest") =>
  Effect.gen(function* () {
    const peeked = yield* commands.peek(queue, { count, from })
    if (peeked.length === 0) return []
    const { microseconds } = yield* commands.server.time
    const found = yield* Effect.forEach(peeked, ({ id }) => commands.show(id), { concurrency: idsAtATime })
    return found.flatMap(Option.toArray).flatMap(
      (job): ReadonlyArray<JobFields> =>
        // A job may have been taken since.
        job.body === null || job.state !== "queued"
          ? []
          : [
              {
                id: job.id,
                queue,
                state: job.state,
                node,
                age: Math.max(0, Number(microseconds / 1000n - job.ctime / 1_000_000n)) / 1000,
                ttl: seconds(job.ttl),
                nacks: job.nacks,
                additionalDeliveries: job.additionalDeliveries,
                ...body(job.body)
              }
            ]
    )
  })

/** The jobs that were added first, or last, each once though it may wait on several nodes. `nodes` tells who did not answer. */
export const waiting = (
  nodes: JobNodes,
  queue: string,
  count: number,
  from: "oldest" | "newest"
): Effect.Effect<ReadonlyArray<JobFields>> =>
  Effect.map(
    nodes.ask((commands, { address }) => onNode(commands, address, queue, count, from)),
    (answers) => {
      const sign = from === "oldest" ? -1 : 1
      const byId = new Map(answers.flat().map((job) => [job.id, job]))
      return [...byId.values()].sort((a, b) => sign * ((a.age ?? 0) - (b.age ?? 0))).slice(0, count)
    }
  )
