import { isIP } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { isIP as isAddress } from "../../src/internal/wire/addresses.js"

describe("IP addresses", () => {
  it("are those that Node.js takes too", () => {
    const texts = [
      "127.0.0.1",
      "255.255.255.255",
      "256.0.0.1",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "",
      "::",
      "::1",
      "1::"
    ]
    const longer = [
      "1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::3::5",
      "::ffff:1.2.3.4",
      "1.2.3.4::",
      "g::"
    ]
    for (const text of [...texts, ...longer]) assert.strictEqual(isAddress(text), isIP(text) !== 0, text)
  })
})
