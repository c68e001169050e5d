/** The options that every command has that talks to a cluster. */
import * as option from "../command/parameters.js"
import * as read from "../readers.js"

const group = "The cluster"

const file = (sentence: string) =>
  option.optional("FILE", read.text("the path of a file"), sentence, { group, completion: "file" })

export const clusterOptions = {
  nodes: option.optional(
    "ADDRESSES",
    read.text("the address of at least one node"),
    "Nodes of the cluster, with commas between them: host:port, or disques://host:port for TLS, or unix:/path. The others are found from there. Default: DISQUE_NODES, then the context in use, then 127.0.0.1:7711.",
    { group }
  ),
  context: option.optional(
    "NAME",
    read.text("the name of a context"),
    "The cluster that disco context knows by this name.",
    { group }
  ),
  passwordFile: file("A file that holds the password of the nodes. Default: the password is that of DISQUE_PASSWORD."),
  tls: option.flag("Speak TLS with the nodes.", { group }),
  tlsCa: file("Certificates to trust (PEM), in place of those of the system. Implies --tls."),
  tlsCert: file("The certificate that this client shows (PEM). Implies --tls."),
  tlsKey: file("The private key of that certificate (PEM)."),
  tlsName: option.optional(
    "HOST",
    read.text("the name of a host"),
    "The name that the certificates of the nodes have, if it is not that of their address.",
    { group }
  ),
  tlsInsecure: option.flag("Trust any certificate. Whoever is in between can read and change everything.", { group }),
  timeout: option.defaulted(
    "TIME",
    read.duration(1),
    "5s",
    "How long nodes have to answer, with a unit: 500ms, 5s, 1m.",
    { group }
  )
}

export type ClusterInput = {
  readonly [K in keyof typeof clusterOptions]: (typeof clusterOptions)[K] extends option.Option<infer A> ? A : never
}
