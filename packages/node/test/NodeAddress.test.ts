import { assert, describe, it } from "@effect/vitest"
import { Either, Redacted } from "effect"
import { NodeAddress } from "../src/index.js"

describe("an address", () => {
  it("is a host with a port, or with the port of Disque where it has none", () => {
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

  it("that is none is refused with what was written, but for a password in it", () => {
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
})
