/** By which names a dashboard is reached. Without a password, a page of another site must not reach it by a name of its own. */

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** The name in a `Host` header, without the port; undefined if it is no such header. */
export const hostName = (header: string | undefined): string | undefined =>
  /^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.exec(header ?? "")?.[1]?.toLowerCase()

/** Whether a host is this machine, as it calls itself. */
export const isLoopbackHost = (name: string): boolean => loopback.test(name)

/** The host of an `Origin` header, with its port; undefined if the origin has none. */
export const hostOfOrigin = (origin: string): string | undefined => {
  try {
    return new URL(origin).host || undefined
  } catch {
    return undefined
  }
}
