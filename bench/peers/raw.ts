/** The raw limit: commands that were encoded before, written to a socket as fast as it takes them. */
import type { Address } from "../shared/target.js"
import { encode, readJobs, readLines, WireClient } from "../shared/wire.js"

const batch = 100

export class Raw {
  private readonly clients: ReadonlyArray<WireClient>
  private readonly replicate: string

  static async open({ host, port }: Address, replicate: number, connections = 1): Promise<Raw> {
    const clients = await Promise.all(Array.from({ length: connections }, () => WireClient.connect(host, port)))
    return new Raw(clients, replicate)
  }

  private constructor(clients: ReadonlyArray<WireClient>, replicate: number) {
    this.clients = clients
    this.replicate = String(replicate)
  }

  private get client(): WireClient {
    return this.clients[0] as WireClient
  }

  private encodeAdd(queue: string, body: string): Buffer {
    return encode("ADDJOB", queue, body, "5000", "REPLICATE", this.replicate)
  }

  /** Adds jobs, a hundred commands in one write, a thousand in flight. */
  addMany(queue: string, body: string, jobs: number): Promise<void> {
    const chunk = Buffer.concat(new Array<Buffer>(batch).fill(this.encodeAdd(queue, body)))
    const chunks = new Array<Buffer>(jobs / batch).fill(chunk)
    return this.client.exchange(chunks, { total: jobs, ahead: 10, reader: readLines })
  }

  /** Adds jobs one after another on each of the connections. */
  async addSingly(queue: string, body: string, jobs: number): Promise<void> {
    const command = this.encodeAdd(queue, body)
    const { length } = this.clients
    await Promise.all(
      this.clients.map((client, i) => {
        const chunks = new Array<Buffer>(Math.floor(jobs / length) + (i < jobs % length ? 1 : 0)).fill(command)
        return client.exchange(chunks, { total: chunks.length, ahead: 1, reader: readLines })
      })
    )
  }

  /** Fetches jobs that are there, `count` a command, and gives their ids. */
  async get(queue: string, jobs: number, count = batch): Promise<ReadonlyArray<string>> {
    const ids: Array<string> = []
    const command = encode("GETJOB", "COUNT", String(count), "FROM", queue)
    await this.client.exchange(new Array<Buffer>(Math.ceil(jobs / count)).fill(command), {
      total: jobs,
      ahead: 2,
      reader: readJobs((id) => ids.push(id))
    })
    return ids
  }

  /** Acknowledges jobs, `count` a command. */
  ack(ids: ReadonlyArray<string>, count = batch, command = "ACKJOB"): Promise<void> {
    const commands = Array.from({ length: Math.ceil(ids.length / count) }, (_, i) =>
      encode(command, ...ids.slice(i * count, (i + 1) * count))
    )
    return this.client.exchange(commands, { total: commands.length, ahead: 4, reader: readLines })
  }

  /** Takes away all jobs of a queue. */
  async drain(queue: string): Promise<void> {
    for (let jobs = await this.length(queue); jobs > 0; jobs = await this.length(queue)) {
      await this.ack(await this.get(queue, Math.min(jobs, 10_000), Math.min(jobs, batch)), batch, "FASTACK")
    }
  }

  private async length(queue: string): Promise<number> {
    return Number((await this.client.ask("QLEN", queue)).slice(1))
  }

  close(): void {
    for (const client of this.clients) client.close()
  }
}
