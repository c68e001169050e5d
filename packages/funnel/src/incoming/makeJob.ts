/** How the consumer of a funnel is given a leased job: as a `FunnelJob`, or with a payload that is decoded first. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { LeasedJob } from "./leasedJob.js"

/** The effect that makes what a consumer is given. It gives `Option.none()` if the payload does not decode: then the job was given up. */
export class Later<In> {
  readonly job: Effect.Effect<Option.Option<In>>
  constructor(job: Effect.Effect<Option.Option<In>>) {
    this.job = job
  }
}

/** Makes what a consumer is given for a job, without an effect if possible. */
export type MakeJob<In> = (leased: LeasedJob) => In | Later<In>
