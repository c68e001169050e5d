/** All that is known of one job. */
import { DisquePool, JobId } from "@disco/core"
import { type Event, JobNodes, type Story, storyOf, type TimedCopy } from "@disco/core/internal"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { JobAnswer, JobEvent } from "../api/jobs.js"
import { BadRequest } from "../DashboardError.js"
import type { Payloads } from "./payloads.js"

/** How much of the body is shown, in bytes. */
const shown = 1024 * 1024

export const readId = (text: string): Effect.Effect<JobId.JobId, BadRequest> =>
  JobId.isJobId(text)
    ? Effect.succeed(text)
    : new BadRequest({
        message: `${JSON.stringify(text)} is no id of a job: expected D-, 8 hex digits, -, 24 base64 characters, -, 4 hex digits`
      })

const kinds: Record<Event["kind"], JobEvent["kind"]> = {
  created: "created",
  queued: "delay",
  renewed: "delivered",
  requeue: "requeue",
  expiry: "expiry"
}

/** Where the job is now, which nodes do not write down the time of. */
const present = ({ events, main, state }: Story): ReadonlyArray<JobEvent> => {
  const isDelayed = events.some(({ inMillis, kind }) => kind === "queued" && inMillis > 0)
  if (state === "queued")
    return [{ kind: "queued", at: null, isPast: true, text: `waits in its queue on ${main.node.address}` }]
  if (state !== "active" || isDelayed || events.some(({ kind }) => kind === "renewed")) return []
  return [{ kind: "delivered", at: null, isPast: true, text: "delivered to a consumer, and not acknowledged" }]
}

const timelineOf = (story: Story): ReadonlyArray<JobEvent> => {
  const told = story.events.map(
    ({ at, inMillis, kind, text }): JobEvent => ({ kind: kinds[kind], at, isPast: inMillis <= 0, text })
  )
  return [...told.filter(({ isPast }) => isPast), ...present(story), ...told.filter(({ isPast }) => !isPast)]
}

/** What the nodes know of a job (SHOW on all of them). */
export const jobAnswer = (payloads: Payloads, text: string): Effect.Effect<JobAnswer, BadRequest, DisquePool> =>
  Effect.gen(function* () {
    const id = yield* readId(text)
    const at = yield* Clock.currentTimeMillis
    const nodes = yield* JobNodes.make(yield* DisquePool)
    const found = yield* nodes.ask((commands, node) =>
      Effect.gen(function* () {
        const info = yield* commands.show(id)
        if (Option.isNone(info)) return []
        const { microseconds } = yield* commands.server.time
        return [{ node, info: info.value, now: Number(microseconds / 1000n) }]
      })
    )
    const failures = [...nodes.failures].map(([node, { message }]) => ({ node, message }))
    const [first, ...others]: ReadonlyArray<TimedCopy> = found.flat()
    if (first === undefined) return { at, job: null, failures }
    const story = storyOf(id, [first, ...others])
    const { copies, main, queue, state, stateText } = story
    const { info } = main
    const { body } = info
    const known = new Set(copies.map(({ node }) => node.address))
    const job: JobAnswer["job"] = {
      id,
      queue,
      state,
      stateText,
      node: main.node.address,
      now: main.now,
      createdAt: queue === null ? null : Number(info.ctime / 1_000_000n),
      timeline: timelineOf(story),
      nacks: Math.max(...copies.map((copy) => copy.info.nacks)),
      additionalDeliveries: Math.max(...copies.map((copy) => copy.info.additionalDeliveries)),
      isAtMostOnce: !JobId.isAtLeastOnce(id),
      replicate: info.replicate,
      delayMillis: Duration.toMillis(info.delay),
      retryMillis: Duration.toMillis(info.retry),
      ttlMillis: Duration.toMillis(info.ttl),
      nextRequeueMillis: info.nextRequeueWithin === null ? null : Duration.toMillis(info.nextRequeueWithin),
      copies: copies.map((copy) => ({ node: copy.node.address, state: copy.info.state })),
      unknown: nodes.silentAmong(copies.flatMap((copy) => copy.info.nodesDelivered)).filter((each) => !known.has(each)),
      body: body === null || queue === null ? null : payloads.body(queue, body, shown),
      decoded: body === null || queue === null ? null : yield* payloads.decoded(queue, id, body)
    }
    return { at, job, failures }
  })
