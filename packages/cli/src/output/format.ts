/** Figures as people read them, of times as Effect has them. */
import { Figures } from "@disco/core/internal"
import * as Duration from "effect/Duration"

export const { count, counted, list, size } = Figures

/** How many in a second: 0/s, 0.4/s, 1,204/s. */
export const rate = (perSecond: number): string => `${Figures.perSecond(perSecond)}/s`

/** A long time, as its two largest units: 3m 20s, 2d 4h. Less than a second is 0s. */
export const age = (time: Duration.DurationInput): string => Figures.age(Duration.toMillis(time) / 1000)

/** A short time, to three digits: 0.42 ms, 12.5 ms, 1.3 s. */
export const latency = (time: Duration.DurationInput): string => Figures.latency(Duration.toMillis(time))

/** A time that was set, such as a timeout: 500ms, 5s, 3m 20s. */
export const span = (time: Duration.DurationInput): string => {
  const millis = Duration.toMillis(time)
  return millis < 1000 ? `${millis}ms` : age(time)
}
