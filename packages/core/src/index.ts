export * as Command from "./Command.js"
export type { AddJobOptions } from "./commands/jobs.js"
export type { Hello, HelloNode } from "./commands/server.js"
export type { AddJobError, DisqueCommands, GetJobsError, GetJobsOptions } from "./DisqueCommands.js"
export { type ConnectError, type ConnectionOptions, DisqueConnection } from "./DisqueConnection.js"
export * from "./DisqueError.js"
export { type Arguments, DisqueDialer, type DisqueLink } from "./DisqueLink.js"
export {
  type ConsumeOptions,
  DisquePool,
  type NodeHealth,
  type PoolHealth,
  type PoolOptions,
  type PoolStatistics
} from "./DisquePool.js"
export type { FetcherHealth, FetcherState } from "./internal/consumer.js"
export * as Job from "./Job.js"
export * as JobId from "./JobId.js"
export * as JobQueue from "./JobQueue.js"
export * as Metrics from "./Metrics.js"
export * as Reply from "./Reply.js"
export { Slot } from "./Slot.js"
