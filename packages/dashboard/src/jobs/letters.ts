/** The jobs that were given up. */

import type { DisquePool } from "@disco/core"
import { deadQueueOf, queueOfDead } from "@disco/core/internal"
import { DeadLetter } from "@disco/funnel"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import type { DeadAnswer, DeadLetters, DeadParams, DeadQueue, DeadSelection } from "../api/workers.js"
import type { QueueList } from "../sampling/queueList.js"
import { failureOf } from "./errors.js"
import type { Payloads } from "./payloads.js"

/** How much of the body is shown, in bytes. */
const shown = 64 * 1024
/** How long letters are searched at most, in milliseconds: those that fit may be few of many. */
const searchMillis = 5000
/** The most letters that one request takes. */
const mostTaken = 1000

/** The queues of letters, those with the most first. */
export const deadQueues = ({ listed }: QueueList): ReadonlyArray<DeadQueue> =>
  listed
    .flatMap(({ oldestMillis, queue: { length, name } }) => {
      const queue = queueOfDead(name)
      return queue === undefined || length === 0 ? [] : [{ queue, dead: name, letters: length, oldestMillis }]
    })
    .sort((a, b) => b.letters - a.letters || (a.queue < b.queue ? -1 : 1))

const momentOf = (time: string | undefined): number | null =>
  time === undefined ? null : Option.getOrNull(Option.map(DateTime.make(time), DateTime.toEpochMillis))

const encoder = new TextEncoder()

const bodyOf = ({ body, bodyBase64 }: DeadLetter.Letter): Uint8Array =>
  bodyBase64 === undefined
    ? encoder.encode(body ?? "")
    : Either.getOrElse(Encoding.decodeBase64(bodyBase64), () => new Uint8Array())

const fits = ({ reason, search }: Pick<DeadParams, "reason" | "search">) => {
  const text = search?.trim().toLowerCase() ?? ""
  return ({ id, letter }: DeadLetter.Entry): boolean =>
    (reason === undefined || letter.reason === reason) &&
    (text === "" || [letter.error ?? "", letter.id, id].some((each) => each.toLowerCase().includes(text)))
}

/** Letters that fit, the oldest first. */
export const letters = (payloads: Payloads, list: QueueList, params: DeadParams) =>
  Effect.gen(function* () {
    const { limit = 50, queue } = params
    const at = yield* Clock.currentTimeMillis
    const isWanted = fits(params)
    // What was found is kept, because the time may be up before the search is.
    const found = new Map<string, DeadLetter.Entry>()
    const where = (entry: DeadLetter.Entry): boolean => {
      const isFound = isWanted(entry)
      if (isFound && found.size < limit) found.set(entry.id, entry)
      return isFound
    }
    const all = yield* Effect.timeoutOption(DeadLetter.list(queue, { limit, where }), searchMillis).pipe(
      Effect.mapError(failureOf)
    )
    const entries = Option.getOrElse(all, () => [...found.values()])
    return {
      at,
      total: list.find(deadQueueOf(queue))?.queue.length ?? entries.length,
      isComplete: Option.isSome(all) && entries.length < limit,
      letters: entries.map(({ id, letter }) => ({
        id,
        jobId: letter.id,
        queue: letter.queue,
        reason: letter.reason ?? null,
        error: letter.error ?? null,
        attempts: letter.attempts,
        nacks: letter.nacks,
        additionalDeliveries: letter.additionalDeliveries,
        addedAt: momentOf(letter.addedAt),
        firstAt: momentOf(letter.firstAt),
        lastAt: momentOf(letter.lastAt),
        body: payloads.body(letter.queue, bodyOf(letter), shown)
      }))
    } satisfies DeadLetters
  })

/** Redrives or purges letters, 1000 at most. */
export const take = (deed: "redrive" | "purge", selection: DeadSelection) =>
  Effect.gen(function* () {
    const options = "ids" in selection ? { ids: selection.ids } : { limit: mostTaken, where: fits(selection) }
    const doing: Effect.Effect<number, Parameters<typeof failureOf>[0], DisquePool> = DeadLetter[deed](
      selection.queue,
      options
    )
    const count = yield* Effect.mapError(doing, failureOf)
    return { count, mayHaveMore: !("ids" in selection) && count >= mostTaken } satisfies DeadAnswer
  })
