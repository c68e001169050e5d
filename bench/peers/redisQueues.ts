/** Queues on Redis, which are installed apart: see alternatives/package.json. Handlers work on 64 jobs at a time. */
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import type { Contender } from "../shared/contest.js"
import type { Address } from "../shared/target.js"
import { Handled } from "./handled.js"

export interface RedisQueue {
  readonly run: Contender["run"]
  readonly close: () => Promise<unknown>
}

interface BullMq {
  readonly Queue: new (
    name: string,
    options: object
  ) => {
    readonly addBulk: (jobs: ReadonlyArray<object>) => Promise<unknown>
    readonly close: () => Promise<unknown>
  }
  readonly Worker: new (
    name: string,
    handler: (job: { readonly data: unknown }) => Promise<void>,
    options: object
  ) => {
    readonly waitUntilReady: () => Promise<unknown>
    readonly close: () => Promise<unknown>
  }
}

interface BeeJob {
  readonly data: unknown
}

type BeeQueue = new (
  name: string,
  options: object
) => {
  readonly ready: () => Promise<unknown>
  readonly createJob: (data: unknown) => BeeJob
  readonly saveAll: (jobs: ReadonlyArray<BeeJob>) => Promise<ReadonlyMap<BeeJob, Error>>
  readonly process: (concurrency: number, handler: (job: BeeJob) => Promise<void>) => void
  readonly close: () => Promise<unknown>
}

// This file is compiled to a folder below the one that the package is in.
const folder = new URL("../../alternatives/package.json", import.meta.url)
const require = createRequire(folder)

export const areInstalled = (): boolean => existsSync(new URL("node_modules/bullmq", folder))

export const versionOf = (name: "bullmq" | "bee-queue"): string => {
  const { version } = require(`${name}/package.json`) as { readonly version: string }
  return `${name} ${version}`
}

export const openBullMq = async (connection: Address, queue: string, payload: object): Promise<RedisQueue> => {
  const { Queue, Worker } = require("bullmq") as BullMq
  const handled = new Handled()
  const adding = new Queue(queue, { connection, defaultJobOptions: { removeOnComplete: true } })
  const worker = new Worker(queue, async () => handled.handle(), {
    connection: { ...connection, maxRetriesPerRequest: null },
    concurrency: 64
  })
  await worker.waitUntilReady()
  const hundred = new Array<object>(100).fill({ name: "job", data: payload })
  return {
    run: handled.run(() => adding.addBulk(hundred)),
    close: () => Promise.all([worker.close(), adding.close()])
  }
}

export const openBeeQueue = async (redis: Address, queue: string, payload: object): Promise<RedisQueue> => {
  const Bee = require("bee-queue") as BeeQueue
  const handled = new Handled()
  // As its own documents tell who wants the most of it.
  const lean = { redis, removeOnSuccess: true, getEvents: false, sendEvents: false, storeJobs: false }
  const adding = new Bee(queue, { ...lean, isWorker: false })
  const working = new Bee(queue, lean)
  await Promise.all([adding.ready(), working.ready()])
  working.process(64, async () => handled.handle())
  return {
    run: handled.run(async () => {
      const errors = await adding.saveAll(Array.from({ length: 100 }, () => adding.createJob(payload)))
      for (const error of errors.values()) throw error
    }),
    close: () => Promise.all([working.close(), adding.close()])
  }
}
