/** Which addresses other machines can reach. */
import { lookup } from "node:dns/promises"
import { BlockList, isIP } from "node:net"
import * as Effect from "effect/Effect"
import { CliError } from "../CliError.js"

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8)
loopback.addAddress("::1", "ipv6")

/** Whether only this machine can reach an IP address. */
export const isLoopback = (ip: string): boolean => loopback.check(ip, isIP(ip) === 6 ? "ipv6" : "ipv4")

/** Whether an IP address stands for all addresses of this machine. */
export const isAny = (ip: string): boolean => /^(0\.0\.0\.0|[0:]+|::ffff:(0\.0\.0\.0|0:0))$/i.test(ip)

/** The IP address to listen at, which is what decides, whatever a name may mean later. `option` is the one that named it. */
export const resolve = (host: string, option = "--bind"): Effect.Effect<string, CliError> =>
  isIP(host) > 0
    ? Effect.succeed(host)
    : Effect.tryPromise({
        try: () => lookup(host).then(({ address }) => address),
        catch: () =>
          new CliError({ message: `${option} takes an IP address of this machine; ${JSON.stringify(host)} is none` })
      })
