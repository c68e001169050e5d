/** What the settings come to: where to listen, and who is let in. */
import { createSecureContext, type SecureContextOptions } from "node:tls"
import type { InvalidArgument } from "@disco/core"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { CliError } from "../CliError.js"
import { read, readPassword } from "../files.js"
import type { NodesOptions } from "../nodes.js"
import { isAny, isLoopback, resolve } from "./exposure.js"
import { options, type Settings } from "./options.js"

const defaultPort = 7711

const refuse = (message: string) => Effect.fail(new CliError({ message }))

/** The password, from the option or from its file. */
const passwordOf = Effect.fnUntraced(function* ({ requirepass, "requirepass-file": file }: Settings) {
  if (file === undefined) return requirepass
  if (requirepass !== undefined)
    return yield* refuse("the password is given twice: by requirepass and by requirepass-file")
  const text = yield* readPassword("requirepass-file", file)
  return yield* options.requirepass.read("serve", "requirepass-file", text)
})

/** Keys and certificates that can be used. */
const tlsOf = Effect.fnUntraced(function* (settings: Settings) {
  const { "tls-ca": ca, "tls-cert": cert, "tls-key": key } = settings
  if (cert === undefined && key === undefined) {
    if (ca !== undefined || settings["tls-port"].length > 0) {
      return yield* refuse("TLS needs the options tls-cert and tls-key: a certificate and its private key")
    }
    return undefined
  }
  if (cert === undefined || key === undefined) {
    return yield* refuse(
      `tls-${cert === undefined ? "key" : "cert"} needs tls-${cert === undefined ? "cert" : "key"} too`
    )
  }
  const secure: SecureContextOptions = {
    cert: yield* read("tls-cert", cert),
    key: yield* read("tls-key", key),
    ...(ca === undefined ? {} : { ca: yield* read("tls-ca", ca) })
  }
  if (ca !== undefined && !String(secure.ca).includes("-----BEGIN CERTIFICATE-----")) {
    return yield* refuse(`tls-ca: ${JSON.stringify(ca)} holds no certificate (PEM)`)
  }
  // The reason names what is wrong, and shows nothing of the key.
  yield* Effect.try({
    try: () => createSecureContext(secure),
    catch: (thrown) =>
      new CliError({
        message: `tls-cert and tls-key cannot be used: ${thrown instanceof Error ? thrown.message : String(thrown)}`
      })
  })
  return secure
})

/** The ports without and with TLS. */
const portsOf = Effect.fnUntraced(function* (settings: Settings, hasTls: boolean) {
  const { port, "tls-port": tlsPort, unixsocket } = settings
  const isElsewhere = tlsPort.length > 0 || unixsocket !== undefined
  const ports = port.length > 0 || isElsewhere ? port : [defaultPort]
  if (hasTls && tlsPort.length === 0) {
    if (ports.length === 0) return yield* refuse("nothing would use tls-cert: give a port, or a tls-port")
    return { ports: [], tlsPorts: ports }
  }
  if (ports.length > 1 && tlsPort.length > 0) {
    return yield* refuse("the nodes of a cluster listen either with TLS or without: leave out port or tls-port")
  }
  if (ports.length === 1 && tlsPort.length > 1) return yield* refuse("a node takes one tls-port")
  return { ports, tlsPorts: tlsPort }
})

/** Where the jobs are kept; undefined for in memory. */
const diskOf = Effect.fnUntraced(function* (settings: Settings, ports: ReadonlyArray<number>) {
  const { appendfsync, appendonly, dir } = settings
  if (dir === undefined) {
    if (appendonly === "yes") return yield* refuse("appendonly yes needs the option dir: the folder for the jobs")
    return undefined
  }
  if (ports.length > 1 && ports.includes(0)) {
    return yield* refuse("the folders of several nodes have their ports as names: with dir, give each port a number")
  }
  return {
    dir,
    isOn: appendonly !== "no",
    appendfsync: appendfsync ?? ("everysec" as const),
    enqueueJobsOnce: settings["aof-enqueue-jobs-once"] ?? true
  }
})

/** The socket's path in bytes, its end included; the systems differ. */
const mostPath = process.platform === "linux" ? 108 : 104

export interface Plan {
  readonly nodes: Omit<NodesOptions, "onShutdown">
  /** Whether other machines can connect without a password. */
  readonly isOpen: boolean
}

/** Works out where to listen. Refuses what contradicts itself, and what would let other machines in. */
export const make = (settings: Settings): Effect.Effect<Plan, CliError | InvalidArgument, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const requirepass = yield* passwordOf(settings)
    const tls = yield* tlsOf(settings)
    const { ports, tlsPorts } = yield* portsOf(settings, tls !== undefined)
    const disk = yield* diskOf(settings, ports.length > 0 ? ports : tlsPorts)
    const { unixsocket } = settings
    if (unixsocket !== undefined && Buffer.byteLength(unixsocket) >= mostPath) {
      return yield* refuse(
        `unixsocket takes a path of at most ${mostPath - 1} bytes; this one has ${Buffer.byteLength(unixsocket)}`
      )
    }
    if (unixsocket === undefined && settings.unixsocketperm !== undefined) {
      return yield* refuse("unixsocketperm needs unixsocket too")
    }
    const named = settings.bind.length > 0 ? settings.bind : ["127.0.0.1"]
    const hosts = ports.length + tlsPorts.length === 0 ? [] : yield* Effect.forEach(named, (host) => resolve(host))
    const exposed = named.filter((_, i) => hosts[i] !== undefined && !isLoopback(hosts[i]))
    if (exposed.length > 0 && requirepass === undefined && !settings.insecure) {
      return yield* refuse(
        `${exposed.join(", ")} would let other machines in without a password: set one by DISCO_REQUIREPASS or --requirepass-file, or allow it by --insecure`
      )
    }
    if (Math.max(ports.length, tlsPorts.length) > 1 && isAny(hosts[0] ?? "")) {
      return yield* refuse(
        `several nodes need an address to tell each other and clients: give one by --bind in place of ${named[0]}`
      )
    }
    const config = Object.fromEntries(
      Object.entries(settings).filter(
        ([name, value]) =>
          (options as Record<string, { kind: string }>)[name]?.kind === "parameter" && value !== undefined
      )
    ) as Record<string, string>
    return {
      isOpen: exposed.length > 0 && requirepass === undefined,
      nodes: {
        hosts,
        ports,
        tlsPorts,
        tls,
        unixsocket: unixsocket === undefined ? undefined : { path: unixsocket, mode: settings.unixsocketperm ?? "700" },
        backlog: settings["tcp-backlog"],
        keepAlive: settings["tcp-keepalive"],
        requirepass,
        maxmemory: settings.maxmemory,
        nodeTimeout: settings["cluster-node-timeout"],
        disk,
        controlPort: settings["control-port"],
        config: {
          ...config,
          bind: hosts.join(" "),
          ...(settings.appendfsync === undefined ? {} : { appendfsync: settings.appendfsync }),
          ...(unixsocket === undefined ? {} : { unixsocket, unixsocketperm: settings.unixsocketperm ?? "700" }),
          ...(settings["tcp-backlog"] === undefined ? {} : { "tcp-backlog": String(settings["tcp-backlog"]) }),
          ...(settings["tcp-keepalive"] === undefined
            ? {}
            : { "tcp-keepalive": settings["tcp-keepalive"] > 0 ? "yes" : "no" }),
          ...(settings["cluster-node-timeout"] === undefined
            ? {}
            : { "cluster-node-timeout": String(settings["cluster-node-timeout"]) }),
          ...(settings.loglevel === undefined ? {} : { loglevel: settings.loglevel })
        }
      }
    }
  })
