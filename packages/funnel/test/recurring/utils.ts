import { JobQueue } from "@disco/core"
import { Clock, Duration, Effect, Schedule, Schema, TestClock } from "effect"

export const reports = JobQueue.make("reports", { payload: Schema.String })

export const minute = 60_000

export const hour = 60 * minute

export const iso = (time: number) => new Date(time).toISOString().slice(0, 19)

export const at = (time: string) => Date.parse(`${time}Z`)

export const setTime = (time: string) => TestClock.setTime(at(time))

/** A payload that says what time it is, and the times that were said. */
export const timed = (delay: (n: number) => Duration.DurationInput = () => 0) => {
  const times: Array<string> = []
  const payload = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.as(Effect.delay(Effect.void, delay(times.push(iso(now)))), iso(now))
  )
  return { times, payload }
}

/** The test clock, with a time of day that can be set, and timers that are late. */
export const settable = Effect.map(Effect.clock, (clock) => {
  let shift = 0
  let late = 0
  const timeOfDay = () => clock.unsafeCurrentTimeMillis() + shift
  const settable: Clock.Clock = {
    ...clock,
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: timeOfDay,
    currentTimeMillis: Effect.sync(timeOfDay),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    sleep: (duration) => clock.sleep(Duration.sum(duration, late))
  }
  return {
    clock: settable,
    set: (time: string) => {
      shift = at(time) - clock.unsafeCurrentTimeMillis()
    },
    delay: (duration: Duration.DurationInput) => {
      late = Duration.toMillis(duration)
    }
  }
})

/** The two ways to say a cron: what is told of one holds for the other. */
export const ways: ReadonlyArray<
  readonly [
    way: string,
    when: (cron: string) =>
      | { readonly cron: string; readonly timeZone: string }
      | {
          readonly schedule: Schedule.Schedule<unknown>
        }
  ]
> = [
  ["cron", (cron) => ({ cron, timeZone: "UTC" })],
  ["schedule", (cron) => ({ schedule: Schedule.cron(cron, "UTC") })]
]
