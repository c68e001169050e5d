/** The throughput and the memory of an embedded node, beside those of a server where there is one. */
import { Raw } from "../peers/raw.js"
import { type Contender, type Contest, hold, partOf } from "../shared/contest.js"
import { table, thousands } from "../shared/markdown.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import { show } from "../shared/section.js"
import { startEmbedded } from "../shared/target.js"

const queue = queueOf("embedded")
const body = "a body of about as many bytes as small jobs have: 64"

export const embedded: Measurement = {
  name: "embedded",
  title: "An embedded node over TCP, one raw connection, beside the real server where there is one.",
  nodes: 1,
  hasGoals: true,
  measure: async (target, effort) => {
    const own = await startEmbedded(1)
    const raws = new Map<string, Raw>([["embedded", await Raw.open(own.nodes[0], 1)]])
    if (target.kind === "real") raws.set("server", await Raw.open(target.nodes[0], 1))
    const rawOf = (name: string): Raw => raws.get(name) as Raw
    let ids: ReadonlyArray<string> = []
    const each = (run: (raw: Raw, jobs: number) => Promise<void>): ReadonlyArray<Contender> =>
      [...raws].map(([name, raw]) => ({ name, run: (jobs) => run(raw, jobs) }))
    const adding: Contest = {
      title: "ADDJOB, pipelined",
      jobs: 20_000,
      contenders: each((raw, jobs) => raw.addMany(queue, body, jobs)),
      after: (name) => rawOf(name).drain(queue)
    }
    const getting: Contest = {
      title: "GETJOB COUNT 100",
      jobs: 20_000,
      contenders: each(async (raw, jobs) => {
        ids = await raw.get(queue, jobs)
      }),
      before: (jobs, name) => rawOf(name).addMany(queue, body, jobs),
      after: (name) => rawOf(name).ack(ids)
    }
    const acknowledging: Contest = {
      title: "ACKJOB of 100",
      jobs: 20_000,
      contenders: each((raw) => raw.ack(ids)),
      before: async (jobs, name) => {
        await rawOf(name).addMany(queue, body, jobs)
        ids = await rawOf(name).get(queue, jobs)
      }
    }
    const adds = await hold(adding, effort)
    const gets = await hold(getting, effort)
    const acks = await hold(acknowledging, effort)

    const kept = partOf(100_000, effort)
    const before = await own.memory()
    await rawOf("embedded").addMany(queue, body, kept)
    const memory = (await own.memory()) - before
    for (const raw of raws.values()) raw.close()
    own.close()
    const text = [
      ...[adds, gets, acks].map((outcome) => show(outcome, target.kind === "real" ? ["server"] : [])),
      table([
        ["memory of the embedded node", "MB"],
        [`${thousands(kept)} jobs`, (memory / 1e6).toFixed(1)]
      ])
    ].join("\n")
    return target.kind === "embedded"
      ? { text, figures: {} }
      : {
          text,
          figures: {
            embeddedAdd: adds.ratio("embedded", "server"),
            embeddedGet: gets.ratio("embedded", "server"),
            embeddedAck: acks.ratio("embedded", "server")
          }
        }
  }
}
