/** Traces across queues: what adds a job, and what works on it, in one trace or linked. Nothing of it where nobody listens. */
import type { AddJobOptions, DisqueCommands, Job } from "@disco/core"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

const silent = Context.get(DefaultServices.liveServices as Context.Context<Tracer.Tracer>, Tracer.Tracer)

/** Whether spans go anywhere: the tracer that Effect has without one given keeps none. */
export const isTraced: Effect.Effect<boolean> = Effect.map(Effect.tracer, (tracer) => tracer !== silent)

const toParent = (span: Tracer.AnySpan): string => `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`

// The context travels as the last field of a payload that is a JSON object, where other clients find it too. Work that begins
// later than its cause is linked to it, as a trace that goes on for days is of no use.
const pattern = /,"(traceparent|tracelink)":"00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])"\}$/

/** The longest that the field is. */
const fieldLength = 80

const inject = (body: string, span: Tracer.AnySpan, isLater: boolean): string =>
  body.startsWith("{") && body.endsWith("}") && body.length > 2
    ? `${body.slice(0, -1)},"${isLater ? "tracelink" : "traceparent"}":"${toParent(span)}"}`
    : body

/** What adds jobs with a span for each, whose context goes with the payload. */
export const tracing = (disque: Pick<DisqueCommands, "addJob">): Pick<DisqueCommands, "addJob"> => ({
  addJob: (queue, body, options) =>
    Effect.flatMap(isTraced, (isTraced) =>
      isTraced && typeof body === "string"
        ? Effect.useSpan(
            `addjob ${queue}`,
            {
              kind: "producer",
              captureStackTrace: false,
              attributes: {
                "messaging.system": "disque",
                "messaging.operation.name": "addjob",
                "messaging.operation.type": "send",
                "messaging.destination.name": queue
              }
            },
            (span) =>
              Effect.tap(disque.addJob(queue, inject(body, span, isDelayed(options)), options), (id) =>
                Effect.sync(() => span.attribute("messaging.message.id", id))
              )
          )
        : disque.addJob(queue, body, options)
    )
})

const isDelayed = (options: AddJobOptions | undefined): boolean =>
  options?.delay !== undefined && Duration.toMillis(options.delay) > 0

const decoder = new TextDecoder()

/** The span of who added the job. */
const origin = (body: Uint8Array): { readonly span: Tracer.ExternalSpan; readonly isLater: boolean } | undefined => {
  const tail = decoder.decode(body.subarray(Math.max(0, body.length - fieldLength)))
  const match = pattern.exec(tail)
  if (match === null) return undefined
  const [, kind, traceId, spanId, sampled] = match
  return {
    span: Tracer.externalSpan({ traceId: traceId as string, spanId: spanId as string, sampled: sampled === "1" }),
    isLater: kind === "tracelink"
  }
}

/** Runs the work on a job in a span of its own. */
export const processing = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  queue: string,
  job: Job.Job,
  /** Whether it was tried before. */
  isAgain: boolean
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const from = origin(job.body)
    const isChild = from !== undefined && !from.isLater && !isAgain
    return Effect.withSpan(work, `process ${queue}`, {
      kind: "consumer",
      captureStackTrace: false,
      root: !isChild,
      ...(isChild ? { parent: from.span } : {}),
      ...(from !== undefined && !isChild ? { links: [{ _tag: "SpanLink", span: from.span, attributes: {} }] } : {}),
      attributes: {
        "messaging.system": "disque",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        "messaging.message.id": job.id,
        "server.address": job.node
      }
    })
  })
