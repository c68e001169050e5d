import { assert, describe, it } from "@effect/vitest"
import { KeyDecoder } from "../../src/screen/keys.js"

const esc = String.fromCharCode(0x1b)

const bytes = (text: string) => new TextEncoder().encode(text)

const names = (...chunks: ReadonlyArray<string | Uint8Array>) => {
  const decoder = new KeyDecoder()
  return chunks
    .flatMap((chunk) => decoder.push(typeof chunk === "string" ? bytes(chunk) : chunk))
    .map((input) => (input._tag === "Key" ? input.name : `paste:${input.text}`))
}

describe("keys of a terminal", () => {
  it("characters stand for themselves, also those of several bytes that come one by one", () => {
    assert.deepStrictEqual(names("aG/?"), ["a", "G", "/", "?"])
    assert.deepStrictEqual(names(...Array.from(bytes("é€🙂"), (byte) => Uint8Array.of(byte))), ["é", "€", "🙂"])
  })

  it("arrows and other keys have names, however the terminal sends them", () => {
    assert.deepStrictEqual(names(`${esc}OM`), ["enter"])
    assert.deepStrictEqual(names(`${esc}[A${esc}OB${esc}[1;5C${esc}[D`), ["up", "down", "right", "left"])
    assert.deepStrictEqual(names(`${esc}[H${esc}[4~${esc}[5~${esc}[6~`), ["home", "end", "pageUp", "pageDown"])
    assert.deepStrictEqual(names("\r\n\t\u007f\b"), ["enter", "enter", "tab", "backspace", "backspace"])
    assert.deepStrictEqual(names("\u0003\u001a\u0015"), ["ctrl-c", "ctrl-z", "ctrl-u"])
  })

  it("a sequence may come in several chunks", () => {
    assert.deepStrictEqual(names(esc, "[", "1;", "5", "A", "x"), ["up", "x"])
  })

  it("Escape is a key of its own once nothing follows", () => {
    const decoder = new KeyDecoder()
    assert.deepStrictEqual(decoder.push(bytes(esc)), [])
    assert.isTrue(decoder.isWaiting)
    assert.deepStrictEqual(decoder.flush(), [{ _tag: "Key", name: "escape" }])
    assert.isFalse(decoder.isWaiting)
    assert.deepStrictEqual(names(`${esc}${esc}[A`), ["escape", "up"])
  })

  it("sequences that mean nothing here are one key, whose letters are not taken for keys", () => {
    assert.deepStrictEqual(names(`${esc}[15~q`), ["other", "q"])
    assert.deepStrictEqual(names(`${esc}[<0;12;5Md`), ["other", "d"])
    assert.deepStrictEqual(names(`${esc}d`), ["other"])
    assert.deepStrictEqual(names(`${esc}[${"1;".repeat(100)}`)[0], "other")
  })

  it("what is pasted is one text, and no keys", () => {
    assert.deepStrictEqual(names(`a${esc}[200~dpq\nr${esc}[2`, `01~b`), ["a", "paste:dpq\nr", "b"])
    assert.deepStrictEqual(names(`${esc}[200~`, "x".repeat(10_000), `${esc}[201~`), [`paste:${"x".repeat(4096)}`])
  })
})
