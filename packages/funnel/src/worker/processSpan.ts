/** Spans of the work on jobs. Nothing of them where nobody listens. */
import type { Job } from "@disco/core"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

const silent = Context.get(DefaultServices.liveServices as Context.Context<Tracer.Tracer>, Tracer.Tracer)

/** Whether spans go anywhere: the tracer that Effect has without one given keeps none. */
export const isTraced: Effect.Effect<boolean> = Effect.map(Effect.tracer, (tracer) => tracer !== silent)

/** Runs the work on a job in a span of its own: below the span that the job was added in, or linked to it. */
export const processing = <A, E, R>(
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
