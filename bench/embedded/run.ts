/** The throughput and the memory of an embedded node, beside those of a server where there is one. */
import { Raw } from "../peers/raw.js"
import { type Contender, hold, partOf } from "../shared/contest.js"
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
  measure: async (target, effort) => {
    const own = await startEmbedded(1)
    const raws = {
      embedded: await Raw.open(own.nodes[0], 1),
      ...(target.kind === "real" ? { server: await Raw.open(target.nodes[0], 1) } : {})
    }
    const references = target.kind === "real" ? ["server"] : []
    const each = (run: (raw: Raw, jobs: number) => Promise<void>): ReadonlyArray<Contender> =>
      Object.entries(raws).map(([name, raw]) => ({ name, run: (jobs) => run(raw, jobs) }))
    const everywhere = async (act: (raw: Raw) => Promise<void>): Promise<void> => {
      for (const raw of Object.values(raws)) await act(raw)
    }

    const adds = await hold(
      {
        title: "ADDJOB, pipelined",
        jobs: 20_000,
        contenders: each((raw, jobs) => raw.addMany(queue, body, jobs)),
        after: () => everywhere((raw) => raw.drain(queue))
      },
      effort
    )
    const ids = new Map<Raw, ReadonlyArray<string>>()
    const gets = await hold(
      {
        title: "GETJOB COUNT 100",
        jobs: 20_000,
        contenders: each(async (raw, jobs) => {
          ids.set(raw, await raw.get(queue, jobs))
        }),
        before: (jobs) => everywhere((raw) => raw.addMany(queue, body, jobs)),
        after: () =>
          everywhere(async (raw) => {
            await raw.ack(ids.get(raw) ?? [])
            ids.delete(raw)
            await raw.drain(queue)
          })
      },
      effort
    )
    const acks = await hold(
      {
        title: "ACKJOB of 100",
        jobs: 20_000,
        contenders: each((raw) => raw.ack(ids.get(raw) ?? [])),
        before: (jobs) =>
          everywhere(async (raw) => {
            await raw.addMany(queue, body, jobs)
            ids.set(raw, await raw.get(queue, jobs))
          }),
        after: () => everywhere((raw) => raw.ack(ids.get(raw) ?? []))
      },
      effort
    )

    const kept = partOf(100_000, effort)
    const before = await own.memory()
    await raws.embedded.addMany(queue, body, kept)
    const memory = (await own.memory()) - before
    await everywhere(async (raw) => raw.close())
    own.close()
    const text = [
      ...[adds, gets, acks].map((outcome) => show(outcome, references)),
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
