/** `disco context`: clusters under names of the user's own. */
import { NodeAddress } from "@disco/node"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { UsageError } from "../CliError.js"
import { group, local } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { clusterOptions } from "../connection/options.js"
import * as contexts from "../contexts.js"
import { readPassword } from "../files.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { table } from "../output/table.js"
import * as read from "../readers.js"

const name = read.matching(/^[\w.-]{1,64}$/, "a name of letters, digits, dots, dashes and underscores, 64 at most")

const argument = option.argument("NAME", name, "The name of the context.")

const Listed = Schema.Struct({
  name: Schema.String,
  isCurrent: Schema.Boolean.annotations({ description: "whether it is in use" }),
  nodes: Schema.Array(Schema.String).annotations({ description: "host:port of each node, without passwords" }),
  hasPassword: Schema.Boolean,
  tls: Schema.Boolean
})

const Answer = Schema.Struct({
  file: Schema.String.annotations({ description: "where the contexts are kept" }),
  contexts: Schema.Array(Listed)
})

const addressesOf = (nodes: string) => NodeAddress.parseAll(nodes, "--nodes")

const speaksTls = ({ tls, tlsCa, tlsCert, tlsInsecure, tlsName }: contexts.Saved): boolean =>
  [tls, tlsCa, tlsCert, tlsInsecure, tlsName].some((each) => each !== undefined && each !== false)

const listed = (name: string, saved: contexts.Saved, current: string | undefined): typeof Listed.Type => {
  const addresses = Either.getOrElse(addressesOf(saved.nodes), () => [])
  return {
    name,
    isCurrent: name === current,
    nodes: addresses.map(NodeAddress.format),
    hasPassword: saved.password !== undefined || addresses.some(({ password }) => password !== undefined),
    tls: speaksTls(saved) || addresses.some(({ tls }) => tls)
  }
}

const shown = (all: ReadonlyArray<typeof Listed.Type>, style: Style): string => {
  const { green } = paints(style)
  return table<typeof Listed.Type>(
    [
      { title: "", cell: ({ isCurrent }) => (isCurrent ? "*" : ""), paint: () => green },
      { title: "NAME", cell: ({ name }) => name, paint: ({ isCurrent }) => (isCurrent ? green : (text) => text) },
      { title: "NODES", cell: ({ nodes }) => nodes.join(", ") },
      { title: "PASSWORD", cell: ({ hasPassword }) => (hasPassword ? "yes" : ""), priority: 2 },
      { title: "TLS", cell: ({ tls }) => (tls ? "yes" : ""), priority: 1 }
    ],
    all,
    style
  )
}

const { nodes, passwordFile, tls, tlsCa, tlsCert, tlsInsecure, tlsKey, tlsName } = clusterOptions
const own = <A>(of: option.Option<A>): option.Option<A> => ({ ...of, group: undefined })

const add = local({
  name: "add",
  summary: "Keep a cluster under a name",
  details:
    "The first context is in use at once. A context of the same name is replaced. The password, if there is one, is copied into the file of the contexts, which only you can read.",
  args: { name: argument },
  options: {
    nodes: own({ ...nodes, sentence: "Nodes of the cluster, with commas between them. Has to be given." }),
    passwordFile: own({ ...passwordFile, sentence: "A file that holds the password of the nodes." }),
    tls: own(tls),
    tlsCa: own(tlsCa),
    tlsCert: own(tlsCert),
    tlsKey: own(tlsKey),
    tlsName: own(tlsName),
    tlsInsecure: own(tlsInsecure)
  },
  examples: [
    ["disco context add local --nodes 127.0.0.1:7711", "the cluster on this machine"],
    ["disco context add prod --nodes a:7711,b:7711 --tls --password-file prod.password", "with TLS and a password"]
  ],
  run: ({ name, nodes, passwordFile, ...given }) =>
    Effect.gen(function* () {
      if (nodes === undefined) return yield* new UsageError({ message: "context add needs --nodes" })
      yield* addressesOf(nodes)
      const path = yield* Path.Path
      const whole = (file: string | undefined) => (file === undefined ? undefined : path.resolve(file))
      const password = passwordFile === undefined ? undefined : yield* readPassword("--password-file", passwordFile)
      if ((given.tlsCert === undefined) !== (given.tlsKey === undefined)) {
        return yield* new UsageError({ message: "--tls-cert and --tls-key belong together: give both" })
      }
      const all = yield* contexts.load
      const saved: contexts.Saved = {
        nodes,
        password: password === undefined ? undefined : Redacted.make(password),
        tls: given.tls || undefined,
        tlsCa: whole(given.tlsCa),
        tlsCert: whole(given.tlsCert),
        tlsKey: whole(given.tlsKey),
        tlsName: given.tlsName,
        tlsInsecure: given.tlsInsecure || undefined
      }
      yield* contexts.save({ current: all.current ?? name, contexts: { ...all.contexts, [name]: saved } })
      const isCurrent = (all.current ?? name) === name
      const output = yield* Output
      yield* output.text(() => `${name} is ${isCurrent ? "in use" : `kept: disco context use ${name} puts it in use`}`)
    })
})

const list = local({
  name: "list",
  summary: "List the clusters that have a name",
  output: Answer,
  examples: [["disco context list", "all contexts; the one in use has a star"]],
  run: () =>
    Effect.gen(function* () {
      const { contexts: all, current } = yield* contexts.load
      const output = yield* Output
      const file = yield* contexts.filePath
      const rows = Object.entries(all).map(([name, saved]) => listed(name, saved, current))
      yield* output.answer(Answer, { file, contexts: rows }, (style) =>
        rows.length === 0 ? "there are no contexts: disco context add NAME --nodes ADDRESSES" : shown(rows, style)
      )
    })
})

const use = local({
  name: "use",
  summary: "Talk to this cluster unless told otherwise",
  args: { name: argument },
  examples: [["disco context use prod", "from now on, disco queues shows the queues of prod"]],
  run: ({ name }) =>
    Effect.gen(function* () {
      const all = yield* contexts.load
      yield* contexts.find(all, name)
      yield* contexts.save({ ...all, current: name })
      const output = yield* Output
      yield* output.text(() => `${name} is in use`)
    })
})

const rm = local({
  name: "rm",
  summary: "Forget the name of a cluster, and its password",
  details: "The cluster itself is not touched.",
  args: { name: argument },
  examples: [["disco context rm prod", "prod is no longer known"]],
  run: ({ name }) =>
    Effect.gen(function* () {
      const all = yield* contexts.load
      yield* contexts.find(all, name)
      const { [name]: _, ...rest } = all.contexts
      yield* contexts.save({ current: all.current === name ? undefined : all.current, contexts: rest })
      const output = yield* Output
      yield* output.text(() => `${name} is forgotten${all.current === name ? ", and no context is in use" : ""}`)
    })
})

export const command = group({
  name: "context",
  summary: "Keep clusters under names, and choose one",
  commands: [add, list, use, rm]
})
