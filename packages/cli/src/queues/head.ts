/** The jobs at the head of a queue: those that are delivered next. */
import { type CommandError, type DisqueCommands, DisquePool, type InvalidArgument } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BodyFields, body, Count, Seconds } from "../output/fields.js"

export const HeadFields = Schema.Struct({
  id: Schema.String,
  node: Schema.String.annotations({ description: "the node on which the job waits" }),
  age: Seconds.annotations({ description: "seconds since the job was added, by the clock of the node" }),
  nacks: Count,
  additionalDeliveries: Count,
  ...BodyFields
})

export type HeadFields = typeof HeadFields.Type

const onNode = (node: string, commands: DisqueCommands, queue: string, count: number) =>
  Effect.gen(function* () {
    const waiting = yield* commands.peek(queue, { count })
    if (waiting.length === 0) return []
    const { microseconds } = yield* commands.server.time
    const found = yield* Effect.forEach(waiting, ({ id }) => commands.show(id), { concurrency: 16 })
    return found.flatMap(Option.toArray).flatMap((job) =>
      job.body === null
        ? []
        : [
            {
              id: job.id as string,
              node,
              age: Math.max(0, Number(microseconds / 1000n - job.ctime / 1_000_000n)) / 1000,
              nacks: job.nacks,
              additionalDeliveries: job.additionalDeliveries,
              ...body(job.body)
            }
          ]
    )
  })

/** The oldest of the jobs that wait, on all nodes together. */
export const headOf = (
  nodes: ReadonlyArray<string>,
  queue: string,
  count: number
): Effect.Effect<ReadonlyArray<HeadFields>, CommandError | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    if (count === 0) return []
    const pool = yield* DisquePool
    const all = yield* Effect.forEach(nodes, (node) => onNode(node, pool.on(node), queue, count), {
      concurrency: "unbounded"
    })
    return all
      .flat()
      .toSorted((a, b) => b.age - a.age)
      .slice(0, count)
  })
