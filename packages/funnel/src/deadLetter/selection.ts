/** Reads the letters among some jobs, and chooses those that the user selects. */
import { type InvalidArgument, type Job, JobId, type JobQueue } from "@disco/core"
import { type Chosen, OptionReader, withJson } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { bodyOf, decodeLetter, type Letter } from "../worker/letter.js"

/**
 * A letter, and the id of the job that carries it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  /** The id of the letter in the queue `<name>.dead`. The id of the job that was given up is `letter.id`. */
  readonly id: JobId.JobId
  readonly letter: Letter
}

/**
 * A letter with the payload of the job that was given up.
 *
 * @since 0.1.0
 * @category models
 */
export interface TypedEntry<out A> extends Entry {
  /** The decoded payload, or why it cannot be decoded: a letter whose reason is `undecodable` has no payload. */
  readonly payload: Either.Either<A, JobQueue.InvalidPayload>
}

/**
 * Which letters to choose: those that fit all of these options.
 *
 * @since 0.1.0
 * @category options
 */
export interface Selection<in E extends Entry = Entry> {
  /** The most letters: a whole number, 1 or more. */
  readonly limit?: number | undefined
  /**
   * Ids of letters (`entry.id`) or of the jobs that were given up (`entry.letter.id`). A text that is not a job id fails with
   * `InvalidArgument`; an id that is not found is ignored. The search ends when each id was found once.
   */
  readonly ids?: string | ReadonlyArray<string> | undefined
  /** Whether to choose a letter. It may be called more than once for a letter; if it throws, that is a defect. */
  readonly where?: ((entry: E) => boolean) | undefined
}

export const subject = "DeadLetter"

const readIds = (given: Selection["ids"]): Either.Either<ReadonlySet<string> | undefined, InvalidArgument> => {
  if (given === undefined) return Either.right(undefined)
  const ids: ReadonlyArray<unknown> | undefined =
    typeof given === "string" ? [given] : Array.isArray(given) ? given : undefined
  if (ids === undefined) return OptionReader.refuse(subject, "ids", given, "an id, or an array of ids")
  const strange = ids.findIndex((id) => !JobId.isJobId(id))
  return strange < 0
    ? Either.right(new Set(ids as ReadonlyArray<string>))
    : OptionReader.refuse(
        subject,
        "ids",
        ids[strange],
        "ids of jobs: D-, 8 hex digits, -, 24 base64 characters, -, 4 hex digits"
      )
}

// If the queue or the body cannot be read, no job can be added again, so the letter is not to be touched.
const isWhole = (letter: Letter): boolean =>
  letter.queue !== "" && (letter.bodyBase64 === undefined || letter.bodyBase64 === "" || bodyOf(letter).length > 0)

/** The letter in a job; undefined if the job is not a letter. */
const read = (job: Job.PeekedJob): Effect.Effect<Entry | undefined> =>
  Effect.match(decodeLetter(job), {
    onFailure: () => undefined,
    onSuccess: (letter) => (isWhole(letter) ? { id: job.id, letter } : undefined)
  })

/** Adds the payload to an entry, as its queue decodes it. */
export const withPayload =
  <A, I, R>(queue: JobQueue.JobQueue<A, I, R>) =>
  (entry: Entry): Effect.Effect<TypedEntry<A>, never, R> => {
    const { id, queue: name } = entry.letter
    const job = { queue: name, id: JobId.isJobId(id) ? id : entry.id, body: bodyOf(entry.letter) }
    return Effect.map(Effect.either(queue.decode(job)), (payload) => withJson({ ...entry, payload }))
  }

/** Chooses letters, and remembers which ids are still to be found and which jobs are not letters. */
export class Chooser<E extends Entry, R> {
  readonly limit: number | undefined
  private readonly ids: ReadonlySet<string> | undefined
  private readonly where: ((entry: E) => boolean) | undefined
  private readonly open: (entry: Entry) => Effect.Effect<E, never, R>
  private readonly notFound: Set<string>
  private readonly strangers = new Set<string>()

  private constructor(
    limit: number | undefined,
    ids: ReadonlySet<string> | undefined,
    where: ((entry: E) => boolean) | undefined,
    open: (entry: Entry) => Effect.Effect<E, never, R>
  ) {
    this.limit = limit
    this.ids = ids
    this.where = where
    this.open = open
    this.notFound = new Set(ids)
  }

  static make<E extends Entry, R>(
    selection: Selection<E>,
    open: (entry: Entry) => Effect.Effect<E, never, R>
  ): Either.Either<Chooser<E, R>, InvalidArgument> {
    return Either.gen(function* () {
      const { ids, limit, where } = yield* OptionReader.all(subject, selection)
      const most = limit === undefined ? undefined : yield* OptionReader.count(subject, "limit", limit, 1)
      const wanted = yield* readIds(ids)
      yield* OptionReader.callback(subject, "where", where, "a function of an entry")
      return new Chooser(most, wanted, where, open)
    })
  }

  /** The ids that are still to be found; undefined if letters are not chosen by their ids. */
  get missing(): ReadonlySet<string> | undefined {
    return this.ids === undefined ? undefined : this.notFound
  }

  /** How many jobs were seen that are not letters. */
  get foreign(): number {
    return this.strangers.size
  }

  /** The letters to choose among some jobs, at most `most`. */
  choose(
    jobs: ReadonlyArray<Job.PeekedJob>,
    most = Number.POSITIVE_INFINITY
  ): Effect.Effect<ReadonlyArray<Chosen<E>>, never, R> {
    const self = this
    return Effect.gen(function* () {
      const chosen: Array<Chosen<E>> = []
      for (const job of jobs) {
        if (chosen.length >= most) break
        const entry = yield* read(job)
        if (entry === undefined) {
          self.strangers.add(job.id)
          continue
        }
        if (!self.isNamed(entry)) continue
        const opened = yield* self.open(entry)
        if (self.where === undefined || self.where(opened)) chosen.push({ item: opened, job })
      }
      return chosen
    })
  }

  private isNamed({ id, letter }: Entry): boolean {
    if (this.ids === undefined) return true
    this.notFound.delete(id)
    this.notFound.delete(letter.id)
    return this.ids.has(id) || this.ids.has(letter.id)
  }
}
