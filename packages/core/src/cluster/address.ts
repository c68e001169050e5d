/** Addresses of nodes: `host:port`, `[IPv6]:port`, or `unix:/path` for a socket. */

/** The port that Disque listens on by default. */
const defaultPort = 7711

const isHost = (host: string): boolean =>
  host.length <= 255 &&
  (/^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$/.test(host) ||
    (/^[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}(\.\d{1,3}){0,3}$/i.test(host) && !/:::|::.*::/.test(host)))

/** An address as text. */
export const format = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/** Whether a host and a port make an address that can be dialed. */
export const isAddress = (host: string, port: number): boolean =>
  isHost(host) && Number.isInteger(port) && port >= 1 && port <= 65_535

/** The form of an address, for the error about a value that has another form. */
export const expectedAddress = "the address of a node: host:port, [IPv6]:port or unix:/path of a socket"

// A text with slashes at its start, or with a colon and an @, is more likely a URL with a password in it.
const isSocket = (text: string): boolean => /^unix:\/(?!\/)/.test(text) && !/:.*[:@]/s.test(text)

/** Reads an address that has neither a scheme nor a password; the port is Disque's unless the text names one. */
export const readAddress = (text: unknown): string | undefined => {
  if (typeof text !== "string") return undefined
  if (isSocket(text)) return text
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain ?? text
  if (bracketed !== undefined && !bracketed.includes(":")) return undefined
  const number = port === undefined ? defaultPort : Number(port)
  return isAddress(host, number) ? format(host, number) : undefined
}
