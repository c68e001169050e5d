/** The pool that a command talks to its cluster over. */
import { type ConnectError, type ConnectionError, DisquePool, NotAuthenticated } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CliError } from "../CliError.js"
import { list, span } from "../output/format.js"
import { Dialing } from "./Dialing.js"
import { Settings } from "./Settings.js"

/** Short, so that a command that waits for jobs ends soon. */
const slice = "400 millis"

const hint = ({ source }: Settings.Service): string =>
  source === "the default" ? " (name nodes by --nodes, DISQUE_NODES, or disco context)" : ` (from ${source})`

/** Why no node can be used, and what to do about it. */
export const failed = (settings: Settings.Service, error: ConnectError): CliError => {
  if (error._tag === "InvalidArgument") return new CliError({ message: error.message })
  const refusal = refusalOf(error)
  if (refusal === undefined)
    return new CliError({ message: `no node can be reached: ${error.message}${hint(settings)}` })
  // AUTH is sent with a password alone.
  const wants = refusal.command === "AUTH" ? "another password" : "a password"
  return new CliError({
    message: `${refusal.node} wants ${wants}: give it by DISQUE_PASSWORD or --password-file`
  })
}

/** What a node that wants a password said, if one of them did. */
export const refusalOf = (error: ConnectionError | NotAuthenticated): NotAuthenticated | undefined =>
  [error, ...(error._tag === "ConnectionError" ? (error.attempts ?? []) : [])].find(
    (each) => each instanceof NotAuthenticated
  )

/** Opens the pool, or says within the timeout why that is not possible. With `lazyConnect` it opens although no node answers. */
export const layer = (lazyConnect: boolean): Layer.Layer<DisquePool, CliError, Settings | Dialing> =>
  Layer.scoped(
    DisquePool,
    Effect.gen(function* () {
      const settings = yield* Settings
      const dialing = yield* Dialing
      const { names, timeout } = settings
      return yield* DisquePool.make({ commandTimeout: timeout, maxActive: 4, maxIdle: 1, slice, lazyConnect }).pipe(
        Effect.provide(dialing(settings)),
        Effect.mapError((error) => failed(settings, error)),
        Effect.interruptible,
        Effect.timeoutFail({
          duration: timeout,
          onTimeout: () =>
            new CliError({
              message: `no node answered within ${span(timeout)}: ${list(names)} did not${hint(settings)}`
            })
        })
      )
    })
  )

/** How long one attempt to connect may take, so that the reasons of all are known before the timeout. */
export const connectTimeout = ({ names, timeout }: Settings.Service): Duration.Duration =>
  Duration.millis(Math.max(Duration.toMillis(timeout) / 2, Duration.toMillis(timeout) - 300 * names.length))
