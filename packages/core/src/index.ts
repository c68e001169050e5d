export type {
  AdminCommands,
  ClientCommands,
  ClusterCommands,
  ConfigCommands,
  LatencyCommands,
  ServerCommands,
  SlowLogCommands
} from "./AdminCommands.js"
export * as Cluster from "./Cluster.js"
export * as Command from "./Command.js"
export * as Commands from "./Commands.js"
export type { ReadyError, ReadyOptions } from "./cluster/readiness.js"
export type { ClientInfo, KillOptions } from "./commands/client.js"
export type { ClusterInfo, ClusterNode, ClusterNodeFlag } from "./commands/cluster.js"
export type { ConfigName } from "./commands/config.js"
export type { JobsOptions, PeekOptions } from "./commands/inspection.js"
export type { AddJobOptions } from "./commands/jobs.js"
export type { LatencyEvent, LatencySample } from "./commands/latency.js"
export type { NodeQueueStats, PauseOption, PauseState, QueuesOptions } from "./commands/queues.js"
export type {
  CommandInfo,
  Hello,
  HelloNode,
  InfoSection,
  InfoValue,
  ServerInfo,
  ServerTime
} from "./commands/server.js"
export type { SlowLogEntry } from "./commands/slowlog.js"
export type { AddJobError, DisqueCommands, GetJobsError, GetJobsOptions, RawError } from "./DisqueCommands.js"
export { type ConnectError, type ConnectionOptions, DisqueConnection } from "./DisqueConnection.js"
export * from "./DisqueError.js"
export { type Arguments, DisqueDialer, type DisqueLink } from "./DisqueLink.js"
export {
  DisquePool,
  type NodeHealth,
  type PoolHealth,
  type PoolOptions,
  type PoolStatistics
} from "./DisquePool.js"
export type { FetcherHealth, FetcherState } from "./fetching/fetchLoop.js"
export type { FetchError } from "./fetching/getJobCalls.js"
export type { EncodedCommand } from "./internal/encodedCommand.js"
export type { Page } from "./internal/page.js"
export * as Job from "./Job.js"
export * as JobId from "./JobId.js"
export * as JobQueue from "./JobQueue.js"
export * as Metrics from "./Metrics.js"
export type { QueueStats } from "./QueueStats.js"
export * as Reply from "./Reply.js"
