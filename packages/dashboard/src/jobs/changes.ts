/** What viewers do to jobs. */
import { DisquePool } from "@disco/core"
import { Settling } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import type { AddAnswer, AddRequest, JobChange, JobsAnswer, JobsRequest } from "../api/jobs.js"
import { BadRequest } from "../DashboardError.js"
import { failureOf } from "./errors.js"
import { readId } from "./oneJob.js"

const deeds: Record<JobChange, Settling.Deed> = {
  enqueue: Settling.enqueue,
  nack: Settling.nack,
  acknowledge: Settling.ack,
  delete: Settling.remove
}

/** Does something to jobs, wherever their copies are. */
export const change = ({ change, ids }: JobsRequest): Effect.Effect<JobsAnswer, BadRequest, DisquePool> =>
  Effect.gen(function* () {
    const known = yield* Effect.forEach(new Set(ids), readId)
    const settler = yield* Settling.Settler.make(yield* DisquePool)
    const settled = yield* Effect.forEach(known, (id) => settler.settle(deeds[change], id), { concurrency: 8 })
    return { jobs: settled.map(({ id, outcome, text }) => ({ id, outcome, text })) }
  })

/** The most bytes of a job that is added here. */
const most = 1024 * 1024

const bodyOf = ({ content, encoding }: AddRequest["body"]): Either.Either<string | Uint8Array, BadRequest> => {
  const body: Either.Either<string | Uint8Array, BadRequest> =
    encoding === "text"
      ? Either.right(content)
      : Either.mapLeft(
          Encoding.decodeBase64(content),
          () => new BadRequest({ message: "the body is no base64: expected letters, digits, +, / and =" })
        )
  return Either.filterOrLeft(
    body,
    (bytes) => bytes.length <= most,
    (bytes) => new BadRequest({ message: `the body has ${bytes.length} bytes: expected 1 MB at most` })
  )
}

const seconds = (value: number | undefined) => (value === undefined ? undefined : Duration.seconds(value))

/** Adds a job. */
export const add = (request: AddRequest) =>
  Effect.gen(function* () {
    const { delaySeconds, name, replicate, retrySeconds, ttlSeconds } = request
    const body = yield* bodyOf(request.body)
    const pool = yield* DisquePool
    const options = {
      delay: seconds(delaySeconds),
      retry: seconds(retrySeconds),
      ttl: seconds(ttlSeconds),
      replicate
    }
    const id = yield* Effect.mapError(pool.addJob(name, body, options), failureOf)
    return { id } satisfies AddAnswer
  })
