import { createClient } from "thunk-disque"
import type { Address } from "../shared/target.js"
import type { Client } from "./client.js"

export const openThunkDisque = async ({ host, port }: Address, replicate: number): Promise<Client> => {
  const client = createClient(port, host, { usePromise: true })
  await new Promise<void>((resolve, reject) => {
    client.on("error", reject)
    client.once("connect", resolve)
  })
  const copies = String(replicate)
  return {
    add: (queue, body) => client.addjob(queue, body, "5000", "REPLICATE", copies),
    get: async (queue, count) => {
      const jobs = await client.getjob("COUNT", String(count), "WITHCOUNTERS", "FROM", queue)
      return (jobs ?? []).map(([, id]) => id)
    },
    ack: (ids) => client.ackjob(ids),
    close: () => client.clientEnd()
  }
}
