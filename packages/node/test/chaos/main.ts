/** `pnpm chaos`: the long run. */
import { parseArgs } from "node:util"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import * as Chaos from "./chaos.js"

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "100000" },
    faults: { type: "string", default: "500" },
    seed: { type: "string", default: String(process.pid) },
    pause: { type: "string", default: "600" }
  }
})

const program = Effect.gen(function* () {
  const nodes = process.env.DISQUE_NODES || undefined
  yield* Console.log(
    `${values.jobs} jobs and ${values.faults} faults over ${nodes ?? "three embedded nodes"} (--seed ${values.seed})`
  )
  const report = yield* Chaos.run({
    jobs: Number(values.jobs),
    faults: Number(values.faults),
    seed: values.seed,
    pause: Number(values.pause),
    nodes,
    progress: (line) => process.stdout.write(`  ${line}\n`)
  })
  const { isKept, lines } = Chaos.format(report)
  yield* Console.log(lines.join("\n"))
  yield* Console.log(isKept ? "no job was lost" : "what is promised was not kept")
  if (!isKept) process.exitCode = 1
})

NodeRuntime.runMain(program)
