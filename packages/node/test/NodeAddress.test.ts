import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, Option, Redacted } from "effect"
import { NodeAddress } from "../src/index.js"

describe("an address", () => {
  it("is a host with a port, or with the default port of Disque", () => {
    const read = (text: string) => Either.getOrThrow(Either.map(NodeAddress.parse(text, "nodes"), NodeAddress.format))
    assert.strictEqual(read("localhost:7712"), "localhost:7712")
    assert.strictEqual(read(" disque-1.example.com "), "disque-1.example.com:7711")
    assert.strictEqual(read("10.0.0.1:1"), "10.0.0.1:1")
    assert.strictEqual(read("[::1]:7713"), "[::1]:7713")
    assert.strictEqual(read("disque://localhost"), "localhost:7711")
  })

  it("may be a URL with a password and with TLS", () => {
    const address = Either.getOrThrow(NodeAddress.parse("disques://:p%40ss@host:99", "nodes"))
    assert.deepStrictEqual([address.at, address.tls], [{ host: "host", port: 99 }, true])
    assert.strictEqual(address.password && Redacted.value(address.password), "p@ss")
  })

  it("may be the path of a Unix socket", () => {
    for (const text of ["unix:/run/disque.sock", "unix:///run/disque.sock", "/run/disque.sock"]) {
      const address = Either.getOrThrow(NodeAddress.parse(text, "nodes"))
      assert.deepStrictEqual(address.at, { path: "/run/disque.sock" })
      assert.strictEqual(NodeAddress.format(address), "unix:/run/disque.sock")
    }
  })

  it("that is not valid is refused with what was written, except for a password in it", () => {
    for (const text of [
      "",
      "a b",
      "host::",
      "host:abc",
      "host:70000",
      "host:0",
      "http://host",
      "host/path",
      "user@host",
      "unix:",
      "::1"
    ]) {
      const error = Either.getOrThrow(Either.flip(NodeAddress.parse(text, "DISQUE_NODES")))
      assert.strictEqual(error._tag, "InvalidArgument")
      assert.include(error.message, "DISQUE_NODES: address is ")
      assert.include(error.message, "expected host, host:port")
    }
    for (const text of [
      "disque://:secret@host:x",
      ":secret@host:x",
      "disque://:sec@secret/x@host",
      "redis://:%E0%A4@secret@host"
    ]) {
      const error = Either.getOrThrow(Either.flip(NodeAddress.parse(text, "nodes")))
      assert.notInclude(error.message, "secret")
      assert.notInclude(error.message, "%E0")
    }
  })

  it("stands in a list, written with commas or as an array", () => {
    const read = (nodes: string | ReadonlyArray<string>) =>
      Either.getOrThrow(NodeAddress.parseAll(nodes, "nodes")).map(NodeAddress.format)
    assert.deepStrictEqual(read("a:1, b:2"), ["a:1", "b:2"])
    assert.deepStrictEqual(read(["a:1", "b"]), ["a:1", "b:7711"])
    assert.isTrue(Either.isLeft(NodeAddress.parseAll([], "nodes")))
    assert.isTrue(Either.isLeft(NodeAddress.parseAll("a:1,,b:2", "nodes")))
  })

  it("that is not valid is shown if it is a plain word, or else by its place in the list, because it may hold a password", () => {
    const say = (nodes: string | ReadonlyArray<string>) =>
      Either.getOrThrow(Either.flip(NodeAddress.parseAll(nodes, "DISQUE_NODES"))).message
    assert.include(say("a:1,local host"), 'DISQUE_NODES: address is "local host", expected host')
    assert.include(
      say("a:1,disque://:local host@b:x,c"),
      "address is one of 24 characters (number 2 of 3), expected host"
    )
    assert.include(say("a:1,local host,:x@b"), "address is one of 10 characters (number 2 of 3)")
    assert.include(say([7711] as never), "address is no text")
    assert.include(say(7711 as never), "address is no text")
  })

  it("may be the path of a Unix socket with an @, unless the path may be an incomplete URL", () => {
    const read = (text: string) => NodeAddress.parse(text, "nodes")
    assert.deepStrictEqual(Either.getOrThrow(read("/run/disque@1.sock")).at, { path: "/run/disque@1.sock" })
    for (const text of ["//:sesame@host", "unix://:sesame@host", "unix:///:sesame@host", "/:sesame@host:7711"]) {
      assert.notInclude(Either.getOrThrow(Either.flip(read(text))).message, "sesa", text)
    }
  })

  const schemes = [
    "",
    "disque://",
    "disques://",
    "redis://",
    "redis:",
    "http://",
    "//",
    "/",
    "disque:/",
    "unix:",
    "unix://"
  ]
  const before = ["", ":", "user:", "@", "::", " ", "a:1,", "disque://a:1,:"]
  const after = [
    "",
    "@",
    "@host",
    "@host:7711",
    "@host:x",
    "@ho st",
    "@host/0",
    ":7711",
    ":x@host",
    "@host,b:2",
    "@@",
    "\\@host",
    "/@",
    "?@host",
    "\n@host:99999",
    "@h\u00f6st"
  ]
  const written = FastCheck.tuple(
    FastCheck.constantFrom(...schemes),
    FastCheck.constantFrom(...before),
    FastCheck.constantFrom(...after),
    FastCheck.array(FastCheck.constantFrom(..."@/#?:, %\\\nAe3\u00fc=&;"), { minLength: 1, maxLength: 3 })
  )

  it("is never shown with what may be a password, however it is written", () => {
    FastCheck.assert(
      FastCheck.property(written, ([scheme, before, after, odd]) => {
        const text = `${scheme}${before}s3sam3${odd.join("")}0p3nup${after}`
        const nodes = `host:7711,${text}`
        for (const error of [
          Either.getLeft(NodeAddress.parse(text, "nodes")),
          Either.getLeft(NodeAddress.parseAll(nodes, "nodes")),
          Either.getLeft(NodeAddress.parseAll(text, "nodes"))
        ]) {
          if (Option.isNone(error)) continue
          const shown = [error.value.message, String(error.value), JSON.stringify(error.value), inspect(error.value)]
          for (const part of ["s3sa", "sam3", "0p3n", "nup"]) assert.notInclude(shown.join(), part, text)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("with a password in it names the node without it", () => {
    for (const text of [
      ":s3sam3@host:1",
      "disque://:s3%40sam3@host:1",
      "redis://:s3@sam3@host:1",
      "rediss://:s3sam3@host:1"
    ]) {
      const address = Either.getOrThrow(NodeAddress.parse(text, "nodes"))
      assert.strictEqual(NodeAddress.format(address), "host:1")
      assert.notInclude(`${JSON.stringify(address)} ${inspect(address, { depth: 9 })}`, "sam3")
    }
  })
})
