/** Finds out which cluster is meant: by options, else by the environment, else by the context in use, else the one on this machine. */
import type { InvalidArgument } from "@disco/core"
import { NodeAddress, type NodeDisque } from "@disco/node"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type CliError, UsageError } from "../CliError.js"
import * as contexts from "../contexts.js"
import { read, readPassword } from "../files.js"
import type { ClusterInput } from "./options.js"
import type { Settings } from "./Settings.js"

/** A cluster as it was named. Files are not read yet. */
type Named = contexts.Saved & { readonly source: string }

/** The nodes if nothing else is said. */
export const defaultNode = "127.0.0.1:7711"

const environment = Effect.gen(function* () {
  const nodes = yield* Config.option(Config.nonEmptyString("DISQUE_NODES"))
  const password = yield* Config.option(Config.nonEmptyString("DISQUE_PASSWORD"))
  return {
    nodes: Option.getOrUndefined(nodes),
    password: Option.getOrUndefined(Option.map(password, Redacted.make))
  }
})

const named = Effect.fnUntraced(function* (given: ClusterInput) {
  const { context, nodes } = given
  if (nodes !== undefined && context !== undefined) {
    return yield* new UsageError({ message: "--nodes and --context both name a cluster: give one of them" })
  }
  const { nodes: ofEnvironment, password } = yield* environment
  // The password of the environment is for the nodes of the command line and of the environment, and goes to no other cluster.
  const own = password === undefined ? {} : { password }
  if (nodes !== undefined) return { nodes, source: "--nodes", ...own }
  if (context === undefined && ofEnvironment !== undefined) {
    return { nodes: ofEnvironment, source: "DISQUE_NODES", ...own }
  }
  const all = yield* contexts.load
  const name = context ?? all.current
  if (name === undefined) return { nodes: defaultNode, source: "the default", ...own }
  return { ...(yield* contexts.find(all, name)), source: `the context ${name}` }
})

/** The address of a node that speaks TLS. */
const overTls = (address: string): string =>
  /^(unix:|\/)/.test(address.trim()) ? address : `disques://${address.trim().replace(/^[a-z]+:\/\//, "")}`

const tlsOf = Effect.fnUntraced(function* (cluster: Named) {
  const { tlsCa, tlsCert, tlsInsecure, tlsKey, tlsName } = cluster
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [has, lacks] = tlsCert === undefined ? ["key", "cert"] : ["cert", "key"]
    return yield* new UsageError({ message: `--tls-${has} needs --tls-${lacks} too` })
  }
  const tls: NodeDisque.TlsOptions = {
    ...(tlsCa === undefined ? {} : { ca: yield* read("--tls-ca", tlsCa) }),
    ...(tlsCert === undefined ? {} : { cert: yield* read("--tls-cert", tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: yield* read("--tls-key", tlsKey) }),
    ...(tlsName === undefined ? {} : { servername: tlsName }),
    ...(tlsInsecure === true ? { rejectUnauthorized: false } : {})
  }
  return tls
})

/** The cluster that the options name. */
export const resolve = (
  given: ClusterInput
): Effect.Effect<
  Settings.Service,
  CliError | UsageError | InvalidArgument | ConfigError.ConfigError,
  FileSystem.FileSystem | Path.Path
> =>
  Effect.gen(function* () {
    const found: Named = yield* named(given)
    const cluster: Named = {
      ...found,
      tls: given.tls || found.tls === true,
      tlsCa: given.tlsCa ?? found.tlsCa,
      tlsCert: given.tlsCert ?? found.tlsCert,
      tlsKey: given.tlsKey ?? found.tlsKey,
      tlsName: given.tlsName ?? found.tlsName,
      tlsInsecure: given.tlsInsecure || found.tlsInsecure === true
    }
    const tls = yield* tlsOf(cluster)
    const isSecure = cluster.tls === true || Object.keys(tls).length > 0
    const addresses = yield* NodeAddress.parseAll(cluster.nodes, cluster.source)
    const written = cluster.nodes.split(",")
    const { passwordFile, timeout } = given
    return {
      nodes: isSecure ? written.map(overTls) : written,
      names: addresses.map(NodeAddress.format),
      source: cluster.source,
      password:
        passwordFile === undefined
          ? cluster.password
          : Redacted.make(yield* readPassword("--password-file", passwordFile)),
      tls: isSecure ? tls : undefined,
      timeout
    }
  })
