/** What spans cost: where nobody listens, and where they are kept in memory. */
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import { Disco } from "../peers/disco.js"
import { Raw } from "../peers/raw.js"
import { hold } from "../shared/contest.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import { profiles } from "../shared/profile.js"
import { show } from "../shared/section.js"

const queue = queueOf("spans")
const options = { replicate: 1 }
const body = "x".repeat(100)

/** Keeps every span that has ended, as an exporter in tests does. */
const exportTo = (spans: Array<Tracer.Span>): Layer.Layer<never> =>
  Layer.setTracer(
    Tracer.make({
      context: (run) => run(),
      span: (name, parent, context, links, startTime, kind) => {
        const attributes = new Map<string, unknown>()
        let status: Tracer.SpanStatus = { _tag: "Started", startTime }
        const span: Tracer.Span = {
          _tag: "Span",
          name,
          spanId: String(spans.length),
          traceId: "bench",
          parent,
          context,
          links,
          kind,
          sampled: true,
          attributes,
          get status() {
            return status
          },
          attribute: (key, value) => attributes.set(key, value),
          event: () => {},
          addLinks: () => {},
          end: (endTime, exit) => {
            status = { _tag: "Ended", startTime, endTime, exit }
            spans.push(span)
          }
        }
        return span
      }
    })
  )

export const spans: Measurement = {
  name: "spans",
  title: "What spans cost: `addJob` from 64 fibers on one node, 100 B.",
  nodes: 1,
  hasGoals: true,
  measure: async ({ nodes: [node] }, effort) => {
    const exported: Array<Tracer.Span> = []
    const raw = await Raw.open(node, 1)
    const discos = {
      "tracing off": await Disco.open(node, {}, Layer.setTracerEnabled(false)),
      "nobody listening": await Disco.open(node),
      "exported to memory": await Disco.open(node, {}, exportTo(exported))
    }
    const contenders = Object.entries(discos).map(([name, disco]) => ({
      name,
      run: disco.adding(queue, body, 64, options)
    }))
    const after = async () => {
      exported.length = 0
      await raw.drain(queue)
    }
    const jobs = 10_000
    const outcome = await hold(
      { title: "spans", jobs, contenders, after },
      // What is looked for is smaller than what rounds differ by.
      { ...effort, rounds: effort.rounds * 4 }
    )
    const profile = await profiles(
      contenders.map((contender) => ({ ...contender, after })),
      jobs,
      effort
    )
    for (const disco of Object.values(discos)) await disco.close()
    raw.close()
    return {
      text: `${show(outcome, ["tracing off"])}\n${profile}`,
      figures: {
        spansUnheard: outcome.ratio("nobody listening", "tracing off"),
        spansExported: outcome.ratio("exported to memory", "tracing off")
      }
    }
  }
}
