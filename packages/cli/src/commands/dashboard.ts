/** `disco dashboard`: a web page over the cluster. */
import { DisquePool } from "@disco/core"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { CliError, UsageError } from "../CliError.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { failed, refusalOf } from "../connection/pool.js"
import { Settings } from "../connection/Settings.js"
import { readPassword } from "../files.js"
import { Output } from "../output/Output.js"
import { paints } from "../output/style.js"
import * as read from "../readers.js"

const group = { group: "Who may come" }

/** The password of viewers: of a file, or of the environment. */
const passwordOf = (file: string | undefined) =>
  file === undefined
    ? Effect.map(Config.option(Config.nonEmptyString("DISCO_VIEWER_PASSWORD")), Option.getOrUndefined).pipe(
        Effect.mapError(({ message }) => new CliError({ message: String(message) }))
      )
    : readPassword("--viewer-password-file", file)

export const command = onCluster({
  name: "dashboard",
  summary: "Serve a web page over the cluster, until Ctrl-C",
  details:
    "The page shows queues, jobs, nodes, workers and dead letters, live. It looks at the cluster once for all viewers: every 2 seconds while somebody looks. By default it listens on this machine alone, and may change what it shows; elsewhere it needs a password, and changes nothing unless --allow-changes is given. While no node answers, the page says which were tried and why, and it goes on by itself once one does. Every change is logged on standard output. /health and /metrics are there for other programs.",
  options: {
    port: option.defaulted("PORT", read.port, "7780", "The port to listen at; 0 for any free one."),
    host: option.defaulted(
      "ADDRESS",
      read.text("an IP address or a host name of this machine"),
      "127.0.0.1",
      "The address of this machine to listen at."
    ),
    readOnly: option.flag("Refuse every change.", group),
    allowChanges: option.flag("Allow changes from elsewhere too.", group),
    viewerPasswordFile: option.optional(
      "FILE",
      read.text("the path of a file"),
      "A file that holds the password of viewers. Default: that of DISCO_VIEWER_PASSWORD, or none.",
      { ...group, completion: "file" }
    ),
    trustProxy: option.flag("A proxy in front says who may come: no password is needed.", group),
    hidePayloads: option.flag("Leave out the bodies of jobs.", group)
  },
  examples: [
    ["disco dashboard", "the cluster in use, at http://127.0.0.1:7780/"],
    ["disco dashboard --port 0 --read-only", "at any free port, without buttons"],
    ["disco dashboard --host 0.0.0.0 --viewer-password-file secret", "for others too, who sign in"]
  ],
  lazyConnect: true,
  run: ({ allowChanges, hidePayloads, host, port, readOnly, trustProxy, viewerPasswordFile }) =>
    Effect.gen(function* () {
      if (readOnly && allowChanges) {
        return yield* new UsageError({ message: "--read-only refuses what --allow-changes allows: give one of them" })
      }
      const { isLoopback, resolve } = yield* Effect.promise(() => import("../serve/exposure.js"))
      const { serve } = yield* Effect.promise(() => import("../dashboard/run.js"))
      const output = yield* Output
      const password = yield* passwordOf(viewerPasswordFile)
      const ip = yield* resolve(host, "--host")
      const isLocal = isLoopback(ip)
      if (!isLocal && password === undefined && !trustProxy) {
        return yield* new UsageError({
          message: `--host ${host} can be reached from elsewhere: give --viewer-password-file or DISCO_VIEWER_PASSWORD, or --trust-proxy behind a proxy that says who may come`
        })
      }
      const mayChange = !readOnly && (isLocal || allowChanges)
      const address = yield* serve(
        { host: ip, port },
        {
          password: password === undefined ? undefined : Redacted.make(password),
          trustProxy,
          allowChanges: mayChange,
          hidePayloads
        }
      )
      if (trustProxy) {
        yield* output.note(
          "disco: whoever reaches this port without the proxy is let in: see that nobody does (--trust-proxy)"
        )
      }
      const pool = yield* DisquePool
      const settings = yield* Settings
      const trouble = yield* Effect.as(pool.ready({ within: settings.timeout }), undefined).pipe(
        Effect.catchTags({
          ConnectionError: (error) =>
            refusalOf(error) === undefined ? Effect.succeed(error) : Effect.fail(failed(settings, error)),
          NotAuthenticated: (error) => Effect.fail(failed(settings, error)),
          InvalidArgument: (error) => Effect.fail(failed(settings, error))
        }),
        // Other errors are answers of a node.
        Effect.catchIf(
          (error) => error._tag !== "CliError",
          () => Effect.succeed(undefined)
        )
      )
      const { nodes } = yield* pool.health
      yield* output.text((style) => {
        const { bold, green } = paints(style)
        const of = trouble !== undefined ? "" : nodes.length === 1 ? " of 1 node" : ` of ${nodes.length} nodes`
        return `${green("ready:")} the dashboard${of} is at ${bold(address)}${mayChange ? "" : ", read-only"} (Ctrl-C ends it)`
      })
      if (trouble !== undefined) {
        yield* output.note(`disco: ${failed(settings, trouble).message}: the page goes on once one answers`)
      }
      return yield* Effect.never
    })
})
