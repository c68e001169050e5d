/** `disco dev`: a node to develop on, which keeps its jobs beside the code. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { CliError, UsageError } from "../CliError.js"
import { local } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { reasonOf } from "../files.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { pairs } from "../output/table.js"
import { printable } from "../output/text.js"
import * as read from "../readers.js"

const defaultFolder = ".disco"
const usualDashboardPort = 7780

/** Keeps git from seeing a folder that was made for the jobs. */
const hide = (folder: string) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    yield* files.writeFileString(path.join(folder, ".gitignore"), "*\n")
  })

const isThere = (folder: string) => Effect.flatMap(FileSystem.FileSystem, (files) => files.exists(folder))

const refused = (folder: string) => (error: PlatformError) =>
  new CliError({ message: `the folder ${JSON.stringify(folder)} cannot be used: ${reasonOf(error)}` })

const welcome = (
  {
    address,
    dashboard,
    folder
  }: { readonly address: string; readonly dashboard: string; readonly folder: string | undefined },
  style: Style
): string => {
  const { bold, cyan, green } = paints(style)
  const kept = folder === undefined ? "in memory: they are gone at the end" : `in ${printable(folder)}`
  return [
    `${green("ready:")} an embedded Disque node listens on ${bold(address)} (Ctrl-C ends it)`,
    `Its jobs are kept ${kept}.`,
    `The dashboard is at ${bold(dashboard)}`,
    "",
    "For programs:",
    `  ${cyan(`export DISQUE_NODES=${address}`)}`,
    "",
    "In another terminal:",
    pairs(
      [
        [`  ${cyan("disco add greetings hello")}`, "add a job"],
        [`  ${cyan("disco get greetings")}`, "look at it, and put it back"],
        [`  ${cyan("disco queues")}`, "all queues"],
        [`  ${cyan("disco top")}`, "the same, live"]
      ],
      { ...style, hasColor: false }
    )
  ].join("\n")
}

export const command = local({
  name: "dev",
  summary: "Run a node to develop on, until Ctrl-C",
  details:
    "The node listens on 127.0.0.1 alone, without a password, and keeps its jobs in the folder .disco. disco serve has all options, and is for jobs that somebody waits for.",
  options: {
    port: option.defaulted("PORT", read.port, "7711", "The port to listen at; 0 for any free one."),
    dir: option.optional(
      "DIR",
      read.text("the path of a folder"),
      `The folder that keeps the jobs. Default: ${defaultFolder}.`,
      {
        completion: "folder"
      }
    ),
    dashboardPort: option.optional(
      "PORT",
      read.port,
      "The port of the dashboard, on 127.0.0.1 too; 0 for any free one. Default: 7780, or any free one if that is in use."
    ),
    memory: option.flag("Keep the jobs in memory: they are gone at the end.")
  },
  examples: [
    ["disco dev", "a node on port 7711, with its jobs in .disco"],
    ["disco dev --port 0 --memory", "a fresh node on any free port"]
  ],
  run: ({ dashboardPort, dir, memory, port }) =>
    Effect.gen(function* () {
      if (memory && dir !== undefined) {
        return yield* new UsageError({
          message: "--memory keeps no jobs on disk, and --dir says where: give one of them"
        })
      }
      const { serveNodes } = yield* Effect.promise(() => import("../nodes.js"))
      const folder = memory ? undefined : (dir ?? defaultFolder)
      const isNew = folder !== undefined && !(yield* Effect.mapError(isThere(folder), refused(folder)))
      const { names, nodes } = yield* serveNodes({
        hosts: ["127.0.0.1"],
        ports: [port],
        ...(folder === undefined
          ? {}
          : { disk: { isOn: true, dir: folder, appendfsync: "everysec", enqueueJobsOnce: true } as const })
      })
      yield* Effect.forEach(nodes, (node) => node.loaded, { discard: true }).pipe(
        Effect.mapError((error) => new CliError({ message: error.message }))
      )
      if (isNew) yield* Effect.mapError(hide(folder), refused(folder))
      const output = yield* Output
      const address = names.join()
      const { serve } = yield* Effect.promise(() => import("../dashboard/run.js"))
      const { poolOf } = yield* Effect.promise(() => import("../dashboard/ownNode.js"))
      const at = (port: number) => serve({ host: "127.0.0.1", port }, {})
      const dashboard = yield* (
        dashboardPort === undefined ? Effect.orElse(at(usualDashboardPort), () => at(0)) : at(dashboardPort)
      ).pipe(Effect.provide(yield* poolOf(address)))
      yield* output.text((style) => welcome({ address, dashboard, folder }, style))
      yield* Effect.forEach(nodes, (node) => node.down, { discard: true })
      yield* output.text(() => "a client ended the node by SHUTDOWN")
    })
})
