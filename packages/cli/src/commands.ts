/**
 * The commands of `disco`, in the order of the help. A command is a file of `commands/`, and a line here: it is loaded when it is
 * used, so that none waits for what another one needs.
 */
import type { Command, Group } from "./command/Command.js"

/** Loads a command. */
export type Load = () => Promise<{ readonly command: Command | Group }>

export const commands: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  "Look at a cluster": {
    queues: () => import("./commands/queues.js"),
    queue: () => import("./commands/queue.js"),
    top: () => import("./commands/top.js"),
    dashboard: () => import("./commands/dashboard.js"),
    cluster: () => import("./commands/cluster.js"),
    ping: () => import("./commands/ping.js"),
    latency: () => import("./commands/latency.js"),
    check: () => import("./commands/check.js"),
    bench: () => import("./commands/bench.js")
  },
  "Work with jobs": {
    add: () => import("./commands/add.js"),
    get: () => import("./commands/get.js"),
    peek: () => import("./commands/peek.js"),
    show: () => import("./commands/show.js"),
    jobs: () => import("./commands/jobs.js"),
    ack: () => import("./commands/ack.js"),
    nack: () => import("./commands/nack.js"),
    enqueue: () => import("./commands/enqueue.js"),
    dequeue: () => import("./commands/dequeue.js"),
    delete: () => import("./commands/delete.js"),
    move: () => import("./commands/move.js"),
    dead: () => import("./commands/dead.js")
  },
  "Change a cluster": {
    pause: () => import("./commands/pause.js"),
    resume: () => import("./commands/resume.js"),
    node: () => import("./commands/node.js")
  },
  "Run nodes": {
    dev: () => import("./commands/dev.js"),
    serve: () => import("./commands/serve.js"),
    aof: () => import("./commands/aof.js"),
    demo: () => import("./commands/demo.js")
  },
  "This command": {
    context: () => import("./commands/context.js"),
    explain: () => import("./commands/explain.js")
  }
}

/** The commands by name. */
export const byName: ReadonlyMap<string, Load> = new Map(
  Object.values(commands).flatMap((each) => Object.entries(each))
)
