import { describe, expectTypeOf, it } from "@effect/vitest"
import type { Effect, Either, Stream } from "effect"
import { Schema } from "effect"
import {
  type Command,
  type CommandError,
  type Commands,
  type DisqueCommands,
  type DisqueConnection,
  type DisquePool,
  type GetJobTimeout,
  type InvalidArgument,
  type JobId,
  type JobNotFound,
  JobQueue,
  type LeaseTooOld,
  type NodeLeaving,
  type NotReplicated,
  type OutcomeUnknown,
  type OutOfMemory,
  type PoolExhausted,
  type QueuePaused,
  type QueueTooLong,
  type RefusalError,
  type Reply
} from "../src/index.js"

/** What can go wrong with a method: that of its effect or its stream. */
type ErrorOf<M> = M extends (...args: never) => infer Made
  ? ErrorOf<Made>
  : M extends Effect.Effect<unknown, infer E, never>
    ? E
    : M extends Stream.Stream<unknown, infer E, never>
      ? E
      : never

type Errors<Group> = { readonly [Name in keyof Group]: ErrorOf<Group[Name]> }

type Asked = CommandError | InvalidArgument
type Unsure = Asked | OutcomeUnknown
type PutBack = Asked | OutOfMemory
type Fetched = Asked | NodeLeaving | PoolExhausted

type Groups = "server" | "cluster" | "config" | "client" | "slowlog" | "latency"

describe.concurrent("the error channel", () => {
  it("of each method names what can go wrong with it, and nothing else", () => {
    expectTypeOf<Errors<Omit<DisqueCommands, Groups | "execute" | "addJobsFrom">>>().toEqualTypeOf<{
      readonly addJob:
        | Asked
        | NotReplicated
        | QueueTooLong
        | QueuePaused
        | OutOfMemory
        | NodeLeaving
        | OutcomeUnknown<JobId.JobId>
      readonly addJobs: InvalidArgument
      readonly getJob: Fetched | GetJobTimeout
      readonly getJobs: Fetched
      readonly ackJob: Asked
      readonly fastAckJob: Asked
      readonly nackJob: PutBack
      readonly enqueueJob: PutBack
      readonly dequeueJob: Asked
      readonly deleteJob: Asked
      readonly working: Asked | JobNotFound | LeaseTooOld
      readonly show: Asked
      readonly queueLength: Asked
      readonly queueStats: Asked
      readonly oldestAge: Asked
      readonly peek: Asked
      readonly pause: Asked
      readonly queues: Asked
      readonly jobs: Asked
      readonly jobIds: Asked
      readonly ping: CommandError
      readonly hello: CommandError
      readonly raw: Unsure | RefusalError
    }>()
  })

  it("of each administrative method does so too", () => {
    expectTypeOf<Errors<DisqueCommands["server"]>>().toEqualTypeOf<{
      readonly info: Asked
      readonly time: CommandError
      readonly auth: Asked
      readonly commands: CommandError
      readonly rewriteAof: CommandError
      readonly shutdown: Asked | OutcomeUnknown<void>
      readonly debug: Asked | OutcomeUnknown<Reply.Reply>
    }>()
    expectTypeOf<Errors<DisqueCommands["cluster"]>>().toEqualTypeOf<{
      readonly meet: Asked
      readonly forget: Asked | OutcomeUnknown<void>
      readonly nodes: CommandError
      readonly info: CommandError
      readonly leaving: CommandError
      readonly setLeaving: Asked
      readonly reset: Asked | OutcomeUnknown<void>
    }>()
    expectTypeOf<Errors<DisqueCommands["config"]>>().toEqualTypeOf<{
      readonly get: Asked
      readonly set: Asked
      readonly rewrite: CommandError
      readonly resetStatistics: CommandError
    }>()
    expectTypeOf<Errors<DisqueCommands["client"]>>().toEqualTypeOf<{
      readonly list: CommandError
      readonly kill: Asked
      readonly setName: Asked
      readonly getName: CommandError
    }>()
    expectTypeOf<Errors<DisqueCommands["slowlog"]>>().toEqualTypeOf<{
      readonly get: Asked
      readonly length: CommandError
      readonly reset: CommandError
    }>()
    expectTypeOf<Errors<DisqueCommands["latency"]>>().toEqualTypeOf<{
      readonly latest: CommandError
      readonly history: Asked
      readonly graph: Asked
      readonly doctor: CommandError
      readonly reset: Asked
    }>()
  })

  it("of a command as a value has the refusals of the node, and OutcomeUnknown if the command is not sent twice", () => {
    type Made<D extends { readonly make: (...args: never) => unknown }> =
      ReturnType<D["make"]> extends Either.Either<infer C, InvalidArgument> ? C : never
    type Answers<C> = C extends Command.Command<unknown, infer E> ? E : never
    type Own = NotReplicated | QueueTooLong | QueuePaused | OutOfMemory | NodeLeaving
    expectTypeOf<Answers<Made<typeof Commands.addJob>>>().toEqualTypeOf<Own | OutcomeUnknown<JobId.JobId>>()
    expectTypeOf<Answers<Made<typeof Commands.nackJobs>>>().toEqualTypeOf<OutOfMemory>()
    expectTypeOf<Answers<Made<typeof Commands.ackJobs>>>().toEqualTypeOf<never>()
    expectTypeOf<Answers<Made<typeof Commands.cluster.reset>>>().toEqualTypeOf<OutcomeUnknown<void>>()
    expectTypeOf<Made<typeof Commands.getJobs>["blocks"]>().toEqualTypeOf<true>()
    expectTypeOf<Made<typeof Commands.queueLength>["blocks"]>().toEqualTypeOf<false>()
  })

  it("of execute refuses a command that blocks", () => {
    const execute = null as unknown as DisqueCommands["execute"]
    const getJobs = null as unknown as Extract<ReturnType<typeof Commands.getJobs.make>, { readonly _tag: "Right" }>
    const addJob = null as unknown as Extract<ReturnType<typeof Commands.addJob.make>, { readonly _tag: "Right" }>
    // @ts-expect-error: GETJOB would keep all others waiting
    ;() => execute(getJobs.right)
    const adding = () => execute(addJob.right)
    expectTypeOf<ErrorOf<typeof adding>>().toEqualTypeOf<ErrorOf<DisqueCommands["addJob"]>>()
  })

  it("of a typed queue has InvalidPayload beside those of the command", () => {
    const queue = JobQueue.make("q", { payload: Schema.NumberFromString })
    expectTypeOf<ErrorOf<(typeof queue)["get"]>>().toEqualTypeOf<Fetched | GetJobTimeout | JobQueue.InvalidPayload>()
    expectTypeOf<ErrorOf<(typeof queue)["getMany"]>>().toEqualTypeOf<Fetched>()
    expectTypeOf<ErrorOf<(typeof queue)["peek"]>>().toEqualTypeOf<Asked>()
    expectTypeOf<ErrorOf<(typeof queue)["decode"]>>().toEqualTypeOf<JobQueue.InvalidPayload>()
    // @ts-expect-error: text wants a schema that encodes to text
    ;() => JobQueue.make("q", { payload: Schema.Number, format: "text" })
  })
})

describe.concurrent("a connection and a pool", () => {
  it("offer the same commands", () => {
    expectTypeOf<DisqueConnection.Service>().toExtend<DisqueCommands>()
    expectTypeOf<DisquePool.Service>().toExtend<DisqueCommands>()
  })
})
