import createClient, { type Callback } from "disqueue-node"
import type { Address } from "../shared/target.js"
import type { Client } from "./client.js"

const promise = <A>(call: (callback: Callback<A>) => void): Promise<A> =>
  new Promise((resolve, reject) => {
    call((error, value) => (error === null ? resolve(value) : reject(error)))
  })

export const openDisqueueNode = async (node: Address, replicate: number): Promise<Client> => {
  const client = createClient(node)
  await new Promise<void>((resolve, reject) => {
    client.once("error", reject)
    client.once("ready", resolve)
  })
  return {
    add: (queue, body) =>
      promise<string>((callback) => client.addJob({ queue, job: body, timeout: 5000, replicate }, callback)),
    get: async (queue, count) => {
      const jobs = await promise<ReadonlyArray<{ jobId: string }>>((callback) =>
        client.getJob({ queue, count }, callback)
      )
      return jobs.map(({ jobId }) => jobId)
    },
    ack: (ids) => promise<number>((callback) => client.ackJob(ids, callback)),
    close: () => client.redisClient.end(true)
  }
}
