/**
 * Every command of Disque as a value: `Commands.addJob.make("emails", "hello")` is one to send with `execute`.
 *
 * GETJOB blocks, and goes out by `getJob` and `getJobs` alone.
 *
 * @since 0.1.0
 */
export * as client from "./commands/client.js"
export * as cluster from "./commands/cluster.js"
export * as config from "./commands/config.js"
export { peek, scanJobIds, scanJobs, show } from "./commands/inspection.js"
export type { GetJobsOptions, NewJob } from "./commands/jobs.js"
export {
  ackJobs,
  addJob,
  deleteJobs,
  dequeueJobs,
  enqueueJobs,
  fastAckJobs,
  getJobs,
  nackJobs,
  working
} from "./commands/jobs.js"
export * as latency from "./commands/latency.js"
export { pause, queueLength, queueStats, scanQueues } from "./commands/queues.js"
export { debug, raw } from "./commands/raw.js"
export { auth, commands, hello, info, ping, rewriteAof, shutdown, time } from "./commands/server.js"
export * as slowlog from "./commands/slowlog.js"
