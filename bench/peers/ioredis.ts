import { Redis } from "ioredis"
import type { Address } from "../shared/target.js"
import type { Client } from "./client.js"

type Reply = ReadonlyArray<readonly [string, string, string]>

export class Ioredis implements Client {
  private readonly redis: Redis
  private readonly replicate: string

  static async open(node: Address, replicate: number): Promise<Ioredis> {
    const redis = new Redis({ ...node, lazyConnect: true, enableReadyCheck: false, disableClientInfo: true })
    await redis.connect()
    return new Ioredis(redis, replicate)
  }

  private constructor(redis: Redis, replicate: number) {
    this.redis = redis
    this.replicate = String(replicate)
  }

  add(queue: string, body: string): Promise<unknown> {
    return this.redis.call("ADDJOB", queue, body, "5000", "REPLICATE", this.replicate)
  }

  async addMany(queue: string, body: string, count: number): Promise<void> {
    const pipeline = this.redis.pipeline()
    for (let i = 0; i < count; i++) pipeline.call("ADDJOB", queue, body, "5000", "REPLICATE", this.replicate)
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error
  }

  async get(queue: string, count: number): Promise<ReadonlyArray<string>> {
    const jobs = (await this.redis.call("GETJOB", "COUNT", count, "WITHCOUNTERS", "FROM", queue)) as Reply
    return jobs.map(([, id]) => id)
  }

  ack(ids: ReadonlyArray<string>): Promise<unknown> {
    return this.redis.call("ACKJOB", ...ids)
  }

  close(): void {
    this.redis.disconnect()
  }
}
