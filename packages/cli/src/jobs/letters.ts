/** Dead letters: which of them are meant, and how they are printed. */
import type { CommandError, DisquePool, InvalidArgument } from "@disco/core"
import type { DeadLetter } from "@disco/funnel"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BodyFields, body, Count, Seconds } from "../output/fields.js"
import { age, counted } from "../output/format.js"
import { paints, type Style } from "../output/style.js"
import { cut, printable, width } from "../output/text.js"

export const LetterFields = Schema.Struct({
  id: Schema.String.annotations({ description: "the id of the letter" }),
  jobId: Schema.String.annotations({ description: "the id of the job that was given up" }),
  queue: Schema.String.annotations({ description: "the queue of the job" }),
  reason: Schema.NullOr(Schema.Literal("failed", "crashed", "undecodable")),
  error: Schema.NullOr(Schema.String).annotations({ description: "the message of the last error" }),
  attempts: Count,
  nacks: Count,
  additionalDeliveries: Count,
  crashes: Count,
  addedAt: Schema.NullOr(Schema.String),
  firstAt: Schema.String.annotations({ description: "when the job failed first" }),
  lastAt: Schema.String.annotations({ description: "when the job failed last" }),
  retry: Schema.NullOr(Seconds),
  ttl: Schema.NullOr(Seconds),
  ...BodyFields
})

export type LetterFields = typeof LetterFields.Type

const encoder = new TextEncoder()

/** The body of the job in a letter. */
export const contentOf = ({ letter }: DeadLetter.Entry): Uint8Array =>
  letter.bodyBase64 === undefined
    ? encoder.encode(letter.body ?? "")
    : Either.getOrElse(Encoding.decodeBase64(letter.bodyBase64), () => new Uint8Array())

export const fieldsOf = (entry: DeadLetter.Entry): LetterFields => {
  const { id, letter } = entry
  return {
    id,
    jobId: letter.id,
    queue: letter.queue,
    reason: letter.reason ?? null,
    error: letter.error ?? null,
    attempts: letter.attempts,
    nacks: letter.nacks,
    additionalDeliveries: letter.additionalDeliveries,
    crashes: letter.crashes ?? 0,
    addedAt: letter.addedAt ?? null,
    firstAt: letter.firstAt,
    lastAt: letter.lastAt,
    retry: letter.retry ?? null,
    ttl: letter.ttl ?? null,
    ...body(contentOf(entry))
  }
}

/** How long ago a time was that a letter writes. */
export const ago = (time: string, now: number): string =>
  Option.match(DateTime.make(time), {
    onNone: () => printable(time),
    onSome: (at) => `${age(Math.max(0, now - DateTime.toEpochMillis(at)))} ago`
  })

export const reasonPaint = (reason: LetterFields["reason"], style: Style) => {
  const { red, yellow } = paints(style)
  return reason === "failed" ? red : yellow
}

/** A letter in two lines: which one it is, and why. */
export const lineOf = (fields: LetterFields, now: number, style: Style): string => {
  const { dim } = paints(style)
  const { attempts, error, id, lastAt, reason } = fields
  const head = `  ${reasonPaint(reason, style)(reason ?? "given up")}, ${counted(attempts, "attempt")}, ${ago(lastAt, now)}`
  const why = error === null ? "" : `: ${printable(error.replace(/\s+/g, " "))}`
  return `${dim(id)}\n${head}${cut(why, Math.max(0, style.columns - width(head)))}`
}

/** `DeadLetter`, which is loaded when it is used. */
export const deadLetter = Effect.map(
  Effect.promise(() => import("@disco/funnel")),
  ({ DeadLetter }) => DeadLetter
)

export interface Choice {
  /** Ids of letters or of jobs; none for all letters. */
  readonly ids: ReadonlyArray<string>
  /** A reason, or a part of the message of the error. */
  readonly where: string | undefined
  readonly limit: number | undefined
}

const reasons: ReadonlyArray<string> = ["failed", "crashed", "undecodable"]

/** Whether a letter fits: by its reason if that is what the text is, or else by its error. */
const fits = (where: string | undefined) => {
  if (where === undefined) return () => true
  const wanted = where.toLowerCase()
  return ({ letter }: DeadLetter.Entry): boolean =>
    reasons.includes(wanted) ? letter.reason === wanted : (letter.error ?? "").toLowerCase().includes(wanted)
}

/** The letters that are chosen, the oldest ones first. */
export const chosen = (
  queue: string,
  { ids, limit, where }: Choice
): Effect.Effect<ReadonlyArray<DeadLetter.Entry>, CommandError | InvalidArgument, DisquePool> =>
  Effect.flatMap(deadLetter, ({ list }) =>
    list(queue, { where: fits(where), limit, ...(ids.length > 0 ? { ids } : {}) })
  )

/** The most letters of one run: their ids are in memory. */
export const mostLetters = 100_000

/** Up to this limit, whole letters are in memory at a time. */
const mostWhole = 1000

/** The ids of the letters that are chosen. */
export const chosenIds = (
  queue: string,
  choice: Choice
): Effect.Effect<ReadonlyArray<string>, CommandError | InvalidArgument, DisquePool> => {
  const { ids, limit, where } = choice
  if (ids.length > 0 || (limit !== undefined && limit <= mostWhole)) {
    return Effect.map(chosen(queue, choice), (entries) => entries.map(({ id }) => id))
  }
  const fit = fits(where)
  const most = Math.min(limit ?? mostLetters, mostLetters)
  const found = new Set<string>()
  // Only the ids are kept.
  const note = (entry: DeadLetter.Entry): boolean => {
    if (found.size < most && fit(entry)) found.add(entry.id)
    return false
  }
  return Effect.flatMap(deadLetter, ({ list }) => Effect.map(list(queue, { where: note }), () => [...found]))
}

const lettersAtATime = 256

/** How often letters are dealt with that have a rate: so many times a second. */
const turns = 10

/** Does something to letters, some at a time, and no more in a second than the rate says. Gives for how many it was done. */
export const eachPortion = <E, R>(
  ids: ReadonlyArray<string>,
  perSecond: number | undefined,
  act: (ids: ReadonlyArray<string>) => Effect.Effect<number, E, R>,
  onDone: (done: number) => Effect.Effect<void, never, R>
): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    const size =
      perSecond === undefined ? lettersAtATime : Math.max(1, Math.min(lettersAtATime, Math.floor(perSecond / turns)))
    let done = 0
    for (let at = 0; at < ids.length; at += size) {
      const portion = ids.slice(at, at + size)
      const [took, count] = yield* Effect.timed(act(portion))
      done += count
      yield* onDone(done)
      if (perSecond === undefined || at + size >= ids.length) continue
      yield* Effect.sleep(Math.max(0, (portion.length * 1000) / perSecond - Duration.toMillis(took)))
    }
    return done
  })
