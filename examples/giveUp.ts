import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { DeadLetter, Worker } from "@disco/funnel"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Data, Deferred, Effect, Logger, Schedule, Schema } from "effect"

const orders = JobQueue.make("orders", { payload: Schema.Struct({ card: Schema.String }) })

class Busy extends Data.TaggedError("Busy") {}
class Declined extends Data.TaggedError("Declined") {}

// A busy bank is asked again. A card that the bank declines, and an order without a card, are given up at once.
const charge = ({ card }: { readonly card: string }) =>
  Effect.gen(function* () {
    yield* Console.log(`charge ${card}`)
    if (card === "") return yield* Worker.giveUp("no card")
    return yield* card === "expired" ? new Declined() : new Busy()
  })

const program = Effect.gen(function* () {
  const pool = yield* DisquePool
  const finished = yield* Deferred.make<void>()
  let letters = 0
  yield* Worker.make(orders, charge, {
    attempts: 2,
    retry: Schedule.spaced("50 millis"),
    retryable: (error) => error._tag !== "Declined",
    onDeadLetter: () => Effect.suspend(() => (++letters < 3 ? Effect.void : Deferred.succeed(finished, undefined)))
  })
  for (const card of ["", "expired", "valid"]) yield* orders.add(pool, { card })
  yield* Deferred.await(finished)
  for (const { letter } of yield* DeadLetter.list(orders)) {
    yield* Console.log(`given up after ${letter.attempts}: ${letter.error}`)
  }
}).pipe(Effect.scoped)

const quiet = Logger.remove(Logger.defaultLogger)

NodeRuntime.runMain(Effect.provide(program, [EmbeddedDisque.layerPool, quiet]), { disablePrettyLogger: true })
