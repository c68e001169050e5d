/**
 * Addresses of nodes as people write them.
 */
import { InvalidArgument } from "@disco/core"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"

/** Where a node is, and what it takes to get in. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
  readonly password: Redacted.Redacted | undefined
  readonly tls: boolean
}

/** The port that Disque listens on unless told otherwise. */
export const defaultPort = 7711

const expected = "host, host:port, [IPv6]:port, disque://[:password@]host:port, or disques:// for TLS"

const schemes: Record<string, { readonly tls: boolean }> = {
  "disque:": { tls: false },
  "redis:": { tls: false },
  "disques:": { tls: true },
  "rediss:": { tls: true }
}

/** The address as `host:port`, the way nodes are named in jobs and errors. */
export const format = ({ host, port }: Pick<NodeAddress, "host" | "port">): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

// What may be a password does not go into errors.
const withoutPassword = (text: string): string => text.replace(/:\/\/[^@]*@/, "://***@")

/** Reads one address. `subject` says where it was written. */
export const parse = (text: string, subject: string): Either.Either<NodeAddress, InvalidArgument> => {
  const invalid = () =>
    Either.left(
      new InvalidArgument({ subject, argument: "address", value: JSON.stringify(withoutPassword(text)), expected })
    )
  const written = text.trim()
  const full = written.includes("://") ? written : `disque://${written}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  const scheme = url === undefined ? undefined : schemes[url.protocol]
  if (url === undefined || scheme === undefined || url.hostname === "" || url.username !== "") return invalid()
  if (url.pathname.length > 1 || url.search !== "" || url.hash !== "" || url.port === "0") return invalid()
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)$/.test(url.hostname)) return invalid()
  return Either.right({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? defaultPort : Number(url.port),
    password: url.password === "" ? undefined : Redacted.make(decodeURIComponent(url.password)),
    tls: scheme.tls
  })
}

/** Reads a list of addresses, written with commas or given as an array. */
export const parseAll = (
  nodes: string | ReadonlyArray<string>,
  subject: string
): Either.Either<ReadonlyArray<NodeAddress>, InvalidArgument> => {
  const written = typeof nodes === "string" ? nodes.split(",") : nodes
  return written.length === 0
    ? Either.left(
        new InvalidArgument({
          subject,
          argument: "address",
          value: "none",
          expected: "the address of at least one node"
        })
      )
    : Either.all(written.map((text) => parse(text, subject)))
}
