/** The span of a handler that works on a job. None is made if no tracer listens. */
import type { Job } from "@disco/core"
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"

/** Runs the work on a job in a span: below the span that the job was added in, or linked to it. */
export const withProcessSpan = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  job: Job.Job,
  origin: Tracer.ExternalSpan | undefined,
  isLinked: boolean
): Effect.Effect<A, E, R> =>
  Effect.withSpan(work, `process ${job.queue}`, {
    kind: "consumer",
    captureStackTrace: false,
    ...(origin === undefined || isLinked ? { root: true } : { parent: origin }),
    ...(origin === undefined || !isLinked ? {} : { links: [{ _tag: "SpanLink", span: origin, attributes: {} }] }),
    attributes: {
      "messaging.system": "disque",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": job.queue,
      "messaging.message.id": job.id,
      "server.address": job.node
    }
  })
