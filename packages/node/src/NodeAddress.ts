/**
 * Addresses of nodes as people write them.
 *
 * @since 0.1.0
 */
import type { InvalidArgument } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"

/**
 * Where a node is, and what it takes to get in.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeAddress {
  /** Where it listens: at a port of a host, or at a Unix socket. */
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly password: Redacted.Redacted | undefined
  readonly tls: boolean
}

/** The port that Disque listens on by default. */
const defaultPort = 7711

const expected =
  "host, host:port, [IPv6]:port, disque://[:password@]host:port, disques:// for TLS, or unix:/path of a socket"

const schemes: Record<string, { readonly tls: boolean }> = {
  "disque:": { tls: false },
  "redis:": { tls: false },
  "disques:": { tls: true },
  "rediss:": { tls: true }
}

/**
 * The address as `host:port`, the way nodes are named in jobs and errors; that of a Unix socket as `unix:/path`.
 *
 * @see {@link parseAll}
 * @since 0.1.0
 * @category conversions
 */
export const format = ({ at }: Pick<NodeAddress, "at">): string => {
  if ("path" in at) return `unix:${at.path}`
  return at.host.includes(":") ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`
}

// Any part of an invalid address may be a password, or a part of one with commas. So the text is shown only if it is a plain word
// and all other addresses look like hosts and ports. Otherwise only its length is shown.
const describe = (text: unknown, all: ReadonlyArray<unknown>): string => {
  if (typeof text !== "string") return "no text"
  const areHosts = all.every((each) => typeof each === "string" && /^[\w. -]*(:\d{1,5})?$/.test(each))
  if (areHosts && /^[A-Za-z. -]*$/.test(text)) return JSON.stringify(text)
  const place = all.length === 1 ? "" : ` (number ${all.indexOf(text) + 1} of ${all.length})`
  return `one of ${text.length} characters${place}`
}

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

// A text that begins with two slashes, or has a colon and an @, may be an incomplete URL with a password in it.
const isPath = (path: string): boolean => !path.startsWith("//") && !/:.*@/s.test(path)

/**
 * Reads one address. `subject` and `argument` say where it was written; `argument` is `address` by default. An error shows nothing that
 * may hold a password.
 *
 * @example
 * ```ts
 * import { NodeAddress } from "@disco/node"
 * import { Either } from "effect"
 *
 * // An option of a command, `--node`. The error says what was expected, and shows no password.
 * const node = NodeAddress.parse("disques://:secret@disque.example.com:7711", "--node")
 * const message = Either.match(node, {
 *   onLeft: (error) => error.message,
 *   onRight: ({ tls }) => (tls ? "over TLS" : "not over TLS")
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (
  text: string,
  subject: string,
  argument = "address"
): Either.Either<NodeAddress, InvalidArgument> => parseOf(text, [text], subject, argument)

/** Reads one of the addresses of a list. */
const parseOf = (
  text: string,
  all: ReadonlyArray<string>,
  subject: string,
  argument: string
): Either.Either<NodeAddress, InvalidArgument> => {
  const invalid = () => OptionReader.refuseText(subject, argument, describe(text, all), expected)
  if (typeof text !== "string") return invalid()
  const written = text.trim()
  const path = /^(?:unix:(?:\/\/(?=\/))?)?(\/.+)$/s.exec(written)?.[1]
  if (path !== undefined) {
    return isPath(path) ? Either.right({ at: { path }, password: undefined, tls: false }) : invalid()
  }
  const full = written.includes("://") ? written : `disque://${written}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  const scheme = url === undefined ? undefined : schemes[url.protocol]
  if (url === undefined || scheme === undefined || url.hostname === "" || url.username !== "") return invalid()
  if (written.endsWith(":") || url.pathname.length > 1 || url.search !== "" || url.hash !== "" || url.port === "0")
    return invalid()
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)$/.test(url.hostname)) return invalid()
  const password = decode(url.password)
  if (password === undefined) return invalid()
  return Either.right({
    at: {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? defaultPort : Number(url.port)
    },
    password: password === "" ? undefined : Redacted.make(password),
    tls: scheme.tls
  })
}

/**
 * Reads a list of addresses, written with commas or given as an array. `parse` reads a single address.
 *
 * @example
 * ```ts
 * import { NodeAddress } from "@disco/node"
 * import { Either } from "effect"
 *
 * // Shows where the nodes are, without their passwords.
 * const nodes = Either.map(NodeAddress.parseAll("disque://:secret@localhost:7711,[::1]:7712", "--nodes"), (addresses) =>
 *   addresses.map(NodeAddress.format).join(", ")
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const parseAll = (
  nodes: string | ReadonlyArray<string>,
  subject: string,
  argument = "address"
): Either.Either<ReadonlyArray<NodeAddress>, InvalidArgument> => {
  const written = typeof nodes === "string" ? nodes.split(",") : nodes
  return Array.isArray(written) && written.length > 0
    ? Either.all(written.map((text) => parseOf(text, written, subject, argument)))
    : OptionReader.refuseText(
        subject,
        argument,
        Array.isArray(written) ? "none" : "no text",
        "the address of at least one node"
      )
}
