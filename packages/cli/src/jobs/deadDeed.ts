/** What `disco dead redrive` and `disco dead purge` have in common: letters are chosen, and then dealt with, portion by portion. */
import type { AddJobError, DisquePool } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Count } from "../output/fields.js"
import { count, counted } from "../output/format.js"
import { Output } from "../output/Output.js"
import { printable } from "../output/text.js"
import { type Choice, chosenIds, eachPortion, mostLetters } from "./letters.js"

export const Answer = Schema.Struct({
  queue: Schema.String,
  chosen: Count.annotations({ description: "the letters that were meant" }),
  done: Count.annotations({ description: "the letters that were dealt with; 0 with --dry-run" }),
  ids: Schema.Array(Schema.String).annotations({ description: "with --dry-run, the ids of the letters; else empty" }),
  isDryRun: Schema.Boolean,
  error: Schema.NullOr(Schema.String).annotations({ description: "why not all letters were dealt with" })
})

interface Deed<E, R> extends Choice {
  readonly queue: string
  readonly dryRun: boolean
  readonly perSecond?: number | undefined
  /** `added again`, `deleted`. */
  readonly done: string
  /** Asks whether to go on. */
  readonly ask: (letters: string) => Effect.Effect<void, E, R>
  readonly act: (ids: ReadonlyArray<string>) => Effect.Effect<number, AddJobError, DisquePool>
}

/** Gives the exit status. */
export const deal = <E, R>({ act, ask, done: verb, dryRun, perSecond, queue, ...choice }: Deed<E, R>) =>
  Effect.gen(function* () {
    const output = yield* Output
    const name = printable(queue)
    const ids = yield* chosenIds(queue, choice)
    const letters = `${counted(ids.length, "letter")} of ${name}`
    if (dryRun || ids.length === 0) {
      const answer = { queue, chosen: ids.length, done: 0, ids: dryRun ? ids : [], isDryRun: dryRun, error: null }
      yield* output.answer(Answer, answer, () =>
        dryRun ? [`${letters} would be ${verb}`, ...ids].join("\n") : `there is no such letter in ${name}.dead`
      )
      return 0
    }
    yield* ask(letters)
    let done = 0
    const onDone = (now: number) => {
      done = now
      return output.progress(`${count(done)} of ${letters} ${verb}`)
    }
    const result = yield* Effect.either(eachPortion(ids, perSecond, act, onDone)).pipe(
      Effect.onInterrupt(() =>
        Effect.zipRight(
          output.progress(""),
          output.note(`disco: stopped: ${count(done)} of ${letters} ${verb}, or some more: those in hand may have been`)
        )
      )
    )
    yield* output.progress("")
    const error = Either.isLeft(result)
      ? result.left.message
      : done < ids.length
        ? `${counted(ids.length - done, "letter")} were gone meanwhile`
        : null
    yield* output.answer(
      Answer,
      { queue, chosen: ids.length, done, ids: [], isDryRun: false, error },
      () => `${count(done)} of ${letters} ${verb}`
    )
    if (error !== null) yield* output.note(`disco: ${error}`)
    if (ids.length === mostLetters) yield* output.note(`disco: there may be more: this is the most of one run`)
    return error === null ? 0 : 1
  })
