import { type Answer, nullBulk } from "../../wire/answers.js"
import { type Argument, asText } from "../../wire/bytes.js"
import type { Client } from "../client.js"
import { type Job, never, stateNames } from "../job.js"
import { isId } from "../jobId.js"
import type { Node } from "../node.js"
import { goRound, shownAwakeTime } from "../schedule.js"
import { badId } from "./arguments.js"

/** A job as GETJOB and QPEEK give it. */
export const jobAnswer = (job: Job, withCounters: boolean): Answer =>
  withCounters
    ? [job.queue ?? "", job.id, job.body ?? "", "nacks", job.nacks, "additional-deliveries", job.deliveries]
    : [job.queue ?? "", job.id, job.body ?? ""]

/** A job as SHOW gives it. */
export const jobInfo = (node: Node, job: Job): Answer => {
  goRound(node, job)
  return [
    "id",
    job.id,
    "queue",
    job.queue ?? nullBulk,
    "state",
    stateNames[job.state] ?? "unknown",
    "repl",
    job.replicate,
    "ttl",
    Math.max(0, job.expiresAt - node.seconds),
    "ctime",
    BigInt(node.world.base + job.createdAt) * 1_000_000n + BigInt(job.sequence),
    "delay",
    job.delay,
    "retry",
    job.retry,
    "nacks",
    job.nacks,
    "additional-deliveries",
    job.deliveries,
    "nodes-delivered",
    job.holders,
    "nodes-confirmed",
    job.confirmed ?? [],
    "next-requeue-within",
    job.requeueAt === never ? nullBulk : Math.max(0, job.requeueAt - node.ms),
    "next-awake-within",
    Math.max(0, shownAwakeTime(node, job) - node.ms),
    "body",
    job.body ?? nullBulk
  ]
}

/** SHOW id */
export const show = (node: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const id = asText(command[1] as Argument)
  if (!isId(id)) return badId
  const job = node.jobs.get(id)
  return job === undefined ? nullBulk : jobInfo(node, job)
}
