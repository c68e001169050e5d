/** What the endpoints stand on: the look at the cluster that all viewers share, and what they may do. */
import { Cluster, DisquePool } from "@disco/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import { flowsOf, type MemoryLimits, nodesOf } from "./answers/cluster.js"
import { historyAnswer, queueAnswer, queuesPage } from "./answers/queues.js"
import type { ClusterAnswer, ClusterNode } from "./api/cluster.js"
import type { HeadParams, JobsParams } from "./api/jobs.js"
import type { QueuesParams } from "./api/queues.js"
import type { DeadParams, WorkersAnswer } from "./api/workers.js"
import { NoNodeAnswers } from "./DashboardError.js"
import { metricsText } from "./http/metrics.js"
import { Drains } from "./jobs/drains.js"
import { failureOf } from "./jobs/errors.js"
import { deadQueues, letters } from "./jobs/letters.js"
import { counts, head, jobs } from "./jobs/looks.js"
import { jobAnswer } from "./jobs/oneJob.js"
import type { Payloads } from "./jobs/payloads.js"
import { Reports } from "./jobs/reports.js"
import { Sampler, type SamplerOptions } from "./sampling/sampler.js"
import { Shared } from "./sampling/shared.js"

/** For how long an answer is kept, in milliseconds. What costs more is kept for longer. */
const kept = {
  job: 1500,
  head: 1500,
  jobs: 4000,
  letters: 3000,
  members: 4000,
  workers: 4500,
  counts: 15_000,
  limits: 30_000
}
/** How old a look may be that an answer shows without waiting for a new one. */
const freshMillis = 10_000

interface Parts {
  readonly pool: DisquePool.Service
  readonly sampler: Sampler
  readonly shared: Shared
  readonly drains: Drains
  readonly reports: Reports
  readonly payloads: Payloads
}

export class Desk {
  readonly sampler: Sampler
  readonly drains: Drains
  readonly payloads: Payloads
  private readonly parts: Parts

  private constructor(parts: Parts) {
    this.parts = parts
    this.sampler = parts.sampler
    this.drains = parts.drains
    this.payloads = parts.payloads
  }

  static readonly make = (
    payloads: Payloads,
    options: SamplerOptions
  ): Effect.Effect<Desk, never, DisquePool | Scope.Scope> =>
    Effect.gen(function* () {
      return new Desk({
        pool: yield* DisquePool,
        sampler: yield* Sampler.make(options),
        shared: yield* Shared.make,
        drains: yield* Drains.make,
        reports: new Reports(options.reports),
        payloads
      })
    })

  /** Asks the cluster something that is not known of the last look. Viewers share the answer, and what is on its way. */
  private ask<A, E extends { readonly _tag: string; readonly message: string }>(
    question: ReadonlyArray<unknown>,
    millis: number,
    asking: Effect.Effect<A, E, DisquePool>
  ): Effect.Effect<A, E | NoNodeAnswers> {
    return Effect.suspend((): Effect.Effect<A, E | NoNodeAnswers> => {
      if (this.sampler.isDown) return new NoNodeAnswers({ message: "no node answers: they are tried again and again" })
      return this.parts.shared.get(JSON.stringify(question), millis, this.withPool(asking))
    })
  }

  withPool<A, E>(effect: Effect.Effect<A, E, DisquePool>): Effect.Effect<A, E> {
    return Effect.provideService(effect, DisquePool, this.parts.pool)
  }

  /** Something was changed: what was kept is of the time before. */
  readonly forget: Effect.Effect<void> = Effect.sync(() => this.parts.shared.clear())

  readonly status = Effect.map(Clock.currentTimeMillis, (now) => this.sampler.status(now))

  queues(params: QueuesParams) {
    return Effect.map(Clock.currentTimeMillis, (now) => queuesPage(this.sampler, params, now))
  }

  queue(name: string) {
    return Effect.map(Clock.currentTimeMillis, (now) => queueAnswer(this.sampler, name, this.payloads.typedQueues, now))
  }

  history(name: string) {
    return Effect.map(Clock.currentTimeMillis, (now) => historyAnswer(this.sampler, name, now))
  }

  head(params: HeadParams) {
    const asking = Effect.mapError(head(this.payloads, params), failureOf)
    return this.ask(["head", params.name, params.count, params.from], kept.head, asking)
  }

  counts(name: string) {
    return this.ask(["counts", name], kept.counts, Effect.mapError(counts(name), failureOf))
  }

  jobs(params: JobsParams) {
    const asking = Effect.mapError(jobs(this.payloads, params), failureOf)
    return this.ask(["jobs", params.name, params.state, params.limit], kept.jobs, asking)
  }

  job(id: string) {
    return this.ask(["job", id], kept.job, jobAnswer(this.payloads, id))
  }

  letters(params: DeadParams) {
    const question = ["letters", params.queue, params.reason, params.search, params.limit]
    const asking = Effect.suspend(() => letters(this.payloads, this.sampler.list, params))
    return this.ask(question, kept.letters, asking)
  }

  /** INFO does not tell the limits, and they seldom change. */
  private memoryLimits(members: ReadonlyArray<Cluster.Member>): Effect.Effect<MemoryLimits> {
    const answering = members.flatMap(({ address, figures }) => (Either.isRight(figures) ? [address] : []))
    const asking = Effect.forEach(
      answering,
      (address) =>
        this.parts.pool
          .on(address)
          .config.get("maxmemory")
          .pipe(
            Effect.timeout("2 seconds"),
            Effect.map((config) => [[address, Number(config.get("maxmemory"))] as const]),
            Effect.orElseSucceed(() => [])
          ),
      { concurrency: "unbounded" }
    )
    const limits = Effect.map(asking, (found) => new Map(found.flat()))
    return Effect.orElseSucceed(this.ask(["maxmemory", answering], kept.limits, limits), () => new Map())
  }

  /** The nodes; none are known as long as nothing answers. */
  private get nodes(): Effect.Effect<ReadonlyArray<ClusterNode>> {
    const asking = Effect.mapError(Cluster.members({ within: "3 seconds" }), failureOf)
    return Effect.gen(this, function* () {
      const { nodes } = yield* this.status
      // What was said before a node came or went is not true any more.
      const question = ["members", nodes.map(({ address, isAnswering }) => [address, isAnswering])]
      const members = yield* Effect.orElseSucceed(this.ask(question, kept.members, asking), () => [])
      if (members.length > 0) return nodesOf(members, yield* this.memoryLimits(members), nodes)
      return nodes.map(({ address, since, why }) => ({
        address,
        id: null,
        state: "unreachable" as const,
        priority: 100,
        figures: null,
        why,
        failingSince: since,
        lastHeard: null,
        views: []
      }))
    })
  }

  readonly cluster: Effect.Effect<ClusterAnswer> = Effect.gen(this, function* () {
    const nodes = yield* this.nodes
    const { list } = this.sampler
    return { at: list.at ?? null, nodes, flows: flowsOf(list), drains: this.drains.all }
  })

  readonly workers: Effect.Effect<WorkersAnswer> = Effect.gen(this, function* () {
    const { list } = this.sampler
    const nothing = { at: list.at ?? null, workers: [] }
    const told = yield* Effect.orElseSucceed(
      this.ask(["workers"], kept.workers, this.parts.reports.look),
      () => nothing
    )
    return { ...told, dead: deadQueues(list), reportMillis: 5000 }
  })

  /** The figures for Prometheus. Who asks for them is a viewer for a moment. */
  readonly metrics: Effect.Effect<string> = Effect.gen(this, function* () {
    yield* this.sampler.fresh(freshMillis)
    const nodes = yield* this.nodes
    return metricsText(this.sampler.list, nodes, yield* this.status)
  })

  /** Waits for a look if the last one is old, because nobody looked. */
  readonly ready: Effect.Effect<void> = Effect.suspend(() => this.sampler.fresh(freshMillis))
}
