/** Takes letters out of their queue, on all nodes. */
import type { CommandError, DisquePool, InvalidArgument } from "@disco/core"
import { Nodes, Notices, Take, withinItsTime } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import { quietly } from "../internal/quietly.js"
import { forkInterruptible } from "../internal/runtime.js"
import type { Chooser, Entry } from "./selection.js"

const noun = "letter"

/** Runs an effect for each letter that is chosen, and acknowledges the letter. Gives the number of letters. */
export const drain = <E extends Entry, E2, R>(
  pool: DisquePool.Service,
  queue: string,
  chooser: Chooser<E, R>,
  act: (entry: E) => Effect.Effect<unknown, E2>
): Effect.Effect<number, E2 | CommandError | InvalidArgument, R> =>
  withinItsTime(
    { noun, queue },
    Effect.gen(function* () {
      const { nodes: known } = yield* pool.health
      const nodes = new Nodes(known.map(({ address }) => address))
      const notices = new Notices(yield* Effect.clock, forkInterruptible(yield* Effect.runtime<never>()))
      const take = new Take({ pool, notices, queue, noun }, chooser, act)
      const { missing } = chooser
      const byIds = missing === undefined ? Effect.void : nodes.each((node) => take.byId(missing, node), "in turn")
      const all = Effect.zipRight(
        byIds,
        nodes.each((node) => take.node(node), "in turn")
      )
      yield* Effect.ensuring(all, notices.end)
      yield* nodes.report(queue, "letters")
      return take.done
    }).pipe(
      Effect.ensuring(
        Effect.suspend(() =>
          chooser.foreign === 0
            ? Effect.void
            : quietly(
                Effect.logWarning(`jobs that are no letters stay in ${JSON.stringify(queue)}: ${chooser.foreign}`)
              )
        )
      )
    )
  )
