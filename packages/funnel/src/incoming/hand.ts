/** What the consumers of a funnel are given for a job. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { LeasedJob } from "./leasedJob.js"

/** An effect makes what a consumer is given. It gives nothing if the job is not for the consumer, and was taken care of. */
export class Later<In> {
  readonly job: Effect.Effect<Option.Option<In>>
  constructor(job: Effect.Effect<Option.Option<In>>) {
    this.job = job
  }
}

/** Makes what a consumer is given, without an effect if it can. */
export type Hand<In> = (leased: LeasedJob) => In | Later<In>
