/** What is recorded of each command: metrics always, and a span if a tracer listens. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as MetricLabel from "effect/MetricLabel"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { Arguments } from "../DisqueLink.js"
import type { Job } from "../Job.js"
import * as Metrics from "../Metrics.js"
import { parentSpanOf, type RunningFiber } from "./runtime.js"

type Labels = ReadonlyArray<MetricLabel.MetricLabel>

// Users choose the names of queues, and there may be any number: so many of them have a series of their own.
const mostQueues = 256
const other = "(other)"

const queueLabels = new Map<string, Labels>()
const operationLabels = new Map<string, Labels>()

const labelsOf = (queue: string): Labels => {
  const known = queueLabels.get(queue)
  if (known !== undefined) return known
  if (queueLabels.size >= mostQueues && queue !== other) return labelsOf(other)
  const labels = [MetricLabel.make("messaging.system", "disque"), MetricLabel.make("messaging.destination.name", queue)]
  queueLabels.set(queue, labels)
  return labels
}

/** Begins to count the queues anew, as a new process does: tests share a process. */
export const forgetQueues = (): void => queueLabels.clear()

const labelsOfOperation = (command: string, error: string): Labels => {
  const key = error === "" ? command : `${command} ${error}`
  const known = operationLabels.get(key)
  if (known !== undefined) return known
  const labels = [
    MetricLabel.make("messaging.system", "disque"),
    MetricLabel.make("messaging.operation.name", command.toLowerCase())
  ]
  if (error !== "") labels.push(MetricLabel.make("error.type", error))
  operationLabels.set(key, labels)
  return labels
}

const errorType = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return ""
  const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
  if (typeof failure === "object" && failure !== null && "_tag" in failure) return String(failure._tag)
  return Cause.isInterrupted(exit.cause) ? "interrupted" : "defect"
}

/** Records that a command ended. */
export const measure = (
  command: string,
  queue: string | undefined,
  millis: number,
  exit: Exit.Exit<unknown, unknown>
): void => {
  Metrics.operationDuration.unsafeUpdate(millis / 1000, labelsOfOperation(command, errorType(exit)))
  if (command === "ADDJOB" && queue !== undefined && Exit.isSuccess(exit)) {
    Metrics.sentMessages.unsafeUpdate(1, labelsOf(queue))
  }
}

/** Records that jobs were received. */
export const received = (jobs: ReadonlyArray<Job>): void => {
  for (let i = 0; i < jobs.length; ) {
    const queue = (jobs[i] as Job).queue
    const first = i
    while (i < jobs.length && (jobs[i] as Job).queue === queue) i += 1
    Metrics.consumedMessages.unsafeUpdate(i - first, labelsOf(queue))
  }
}

/** Records that jobs arrived after nobody waited for them any more. */
export const returned = (count: number): void => Metrics.returnedJobs.unsafeUpdate(count, [])

export const linkOpened = (): void => Metrics.openedLinks.unsafeUpdate(1, [])

const reasonLabels = new Map<string, Labels>(
  ["surplus", "expired", "silent", "lost"].map((reason) => [reason, [MetricLabel.make("reason", reason)]])
)

export const linkClosed = (reason: "surplus" | "expired" | "silent" | "lost", count: number): void => {
  if (count > 0) Metrics.closedLinks.unsafeUpdate(count, reasonLabels.get(reason) ?? [])
}

const operations: Record<string, { readonly type: string; readonly kind: Tracer.SpanKind }> = {
  ADDJOB: { type: "send", kind: "producer" },
  GETJOB: { type: "receive", kind: "client" },
  ACKJOB: { type: "settle", kind: "client" },
  FASTACK: { type: "settle", kind: "client" },
  NACK: { type: "settle", kind: "client" },
  ENQUEUE: { type: "settle", kind: "client" }
}

const settling: ReadonlySet<string> = new Set(["ACKJOB", "FASTACK", "NACK", "ENQUEUE", "WORKING", "SHOW"])

/** The jobs that a command is about. */
export const jobsOf = ([name, ...args]: Arguments): ReadonlyArray<string> =>
  settling.has(String(name)) ? args.map(String) : []

/** What is known of an operation that has ended. */
export interface Operation {
  readonly command: string
  readonly queue: string | undefined
  readonly node: string
  readonly jobs: ReadonlyArray<string>
  readonly start: bigint
  readonly end: bigint
  readonly exit: Exit.Exit<unknown, unknown>
}

interface ServerAddress {
  readonly address: string
  readonly port: number | undefined
}

let lastNode = ""
let lastAddress: ServerAddress = { address: "", port: undefined }

// Most spans are about the node that the last one was about.
const addressOf = (node: string): ServerAddress => {
  if (node === lastNode) return lastAddress
  const port = node.startsWith("unix:") ? -1 : node.lastIndexOf(":")
  lastNode = node
  lastAddress =
    port < 0 ? { address: node, port: undefined } : { address: node.slice(0, port), port: Number(node.slice(port + 1)) }
  return lastAddress
}

/** Makes the span of an operation that has ended. */
export const trace = (
  tracer: Tracer.Tracer,
  fiber: RunningFiber,
  { command, end, exit, jobs, node, queue, start }: Operation
): void => {
  const known = operations[command]
  const name = command.toLowerCase()
  const kind = known?.kind ?? "client"
  const title = queue === undefined ? name : `${name} ${queue}`
  const span = tracer.span(title, parentSpanOf(fiber), Context.empty(), [], start, kind, { kind })
  span.attribute("messaging.system", "disque")
  span.attribute("messaging.operation.name", name)
  if (known !== undefined) span.attribute("messaging.operation.type", known.type)
  if (queue !== undefined) span.attribute("messaging.destination.name", queue)
  if (jobs.length === 1) span.attribute("messaging.message.id", jobs[0])
  else if (jobs.length > 1) span.attribute("messaging.batch.message_count", jobs.length)
  const { address, port } = addressOf(node)
  span.attribute("server.address", address)
  if (port !== undefined) span.attribute("server.port", port)
  const error = errorType(exit)
  if (error !== "") span.attribute("error.type", error)
  span.end(end, exit)
}
