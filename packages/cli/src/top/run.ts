/** The life of `disco top`: what happens goes through the model, and the model is drawn. */
import { Cluster, type DisquePool } from "@disco/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { withOnlyLogger } from "../internal/runtime.js"
import type { Screen, ScreenEvent } from "../screen/Screen.js"
import * as act from "./act.js"
import * as look from "./look.js"
import { type Action, type Model, start } from "./model.js"
import { type Event, update } from "./update.js"
import { view } from "./view.js"

export interface TopOptions {
  /** The names of the queues that are looked at; undefined for all. */
  readonly pattern: string | undefined
  /** The time from one look to the next. */
  readonly every: Duration.Duration
  /** How long nodes are waited for. */
  readonly timeout: Duration.Duration
}

/** Takes the screen until the scope ends. */
export type Open<E> = (onEvent: (event: ScreenEvent) => void) => Effect.Effect<Screen, E, Scope.Scope>

type Tell = (event: Event) => void

/** INFO is asked for less often: it costs a node more than QSTAT. */
const membersEvery = Duration.seconds(5)

/** Jobs are counted each time that the page was looked at so often: a node goes through its jobs for that. */
const countsEvery = 5

const again = <A, E, R>(effect: Effect.Effect<A, E, R>, every: Duration.Duration) =>
  Effect.repeat(effect, Schedule.spaced(every))

/** Watches the cluster, without end. */
const watchCluster = ({ every, pattern, timeout }: TopOptions, tell: Tell) =>
  Effect.all(
    [
      Stream.runForEach(
        Cluster.watch({ every, within: timeout, ...(pattern === undefined ? {} : { pattern }) }),
        (snapshot) => Effect.sync(() => tell({ _tag: "Sampled", snapshot }))
      ),
      again(
        Effect.map(Cluster.members({ within: timeout }), (members) => tell({ _tag: "Members", members })),
        membersEvery
      ),
      again(
        Effect.map(Clock.currentTimeMillis, (now) => tell({ _tag: "Ticked", now })),
        Duration.seconds(1)
      )
    ],
    { concurrency: "unbounded", discard: true }
  )

/** Watches the page that is open, until another one is. */
const watchPage = (
  { job, queue }: Model,
  { every, timeout }: TopOptions,
  tell: Tell
): Effect.Effect<void, never, DisquePool> => {
  if (job !== undefined) {
    const seen = Effect.map(look.job(job.id, timeout), (detail) => tell({ _tag: "JobSeen", id: job.id, detail }))
    return Effect.asVoid(again(seen, every))
  }
  if (queue === undefined) return Effect.void
  const { name } = queue
  let counts: Cluster.JobCounts | undefined
  const seen = Effect.suspend(() => look.queue(name, counts, timeout)).pipe(
    Effect.map((detail) => tell({ _tag: "QueueSeen", name, detail }))
  )
  const counted = Effect.map(look.counts(name, timeout), (result) => {
    counts = result
  })
  // What is at hand is shown before the jobs are counted.
  const turn = seen.pipe(
    Effect.zipRight(Effect.ignore(counted)),
    Effect.zipRight(Effect.repeat(Effect.delay(seen, every), Schedule.recurs(countsEvery - 1)))
  )
  return Effect.asVoid(Effect.forever(turn))
}

const pageOf = ({ job, queue }: Model): string => (job === undefined ? `queue ${queue?.name}` : `job ${job.id}`)

const change = (action: act.Change, timeout: Duration.Duration, tell: Tell) =>
  Effect.gen(function* () {
    const what = act.name(action)
    tell({ _tag: "Begun", what })
    tell({ _tag: "Done", what, message: yield* act.run(action, timeout) })
  })

const perform = (
  action: Exclude<Action, { readonly _tag: "Quit" }>,
  screen: Screen,
  timeout: Duration.Duration,
  tell: Tell
) => {
  switch (action._tag) {
    case "Interrupt":
      return Effect.sync(screen.interrupt)
    case "Suspend":
      return Effect.sync(screen.suspend)
    default:
      return Effect.forkScoped(change(action, timeout, tell))
  }
}

/** Runs until the user quits. What is being done then is interrupted, and loses no job. */
export const run = <E>(open: Open<E>, options: TopOptions) =>
  Effect.gen(function* () {
    const events = yield* Queue.unbounded<Event>()
    const tell: Tell = (event) => void events.unsafeOffer(event)
    const screen = yield* open(tell)
    const watching = yield* FiberHandle.make<void>()
    let model = start(screen.size(), yield* Clock.currentTimeMillis)
    const live = Effect.gen(function* () {
      while (true) {
        screen.show(view(model, screen))
        const before = pageOf(model)
        for (const event of yield* Queue.takeBetween(events, 1, 1000)) {
          const [next, action] = update(model, event)
          model = next
          if (action?._tag === "Quit") return
          if (action !== undefined) yield* perform(action, screen, options.timeout, tell)
        }
        if (pageOf(model) !== before) yield* FiberHandle.run(watching, watchPage(model, options, tell))
      }
    })
    yield* Effect.raceFirst(live, watchCluster(options, tell))
  }).pipe(Effect.scoped, withOnlyLogger(Logger.none))
