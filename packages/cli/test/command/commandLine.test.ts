import { assert, describe, it } from "@effect/vitest"
import { Duration, Either } from "effect"
import { read, type Signature } from "../../src/command/commandLine.js"
import * as option from "../../src/command/parameters.js"
import { similar } from "../../src/command/suggestion.js"
import * as reader from "../../src/readers.js"

const signature: Signature = {
  path: "add",
  args: {
    queue: option.argument("QUEUE", reader.queue, "The queue."),
    bodies: option.someArguments("BODY", reader.anyText, "The bodies.", 0)
  },
  options: {
    maxLength: option.optional("COUNT", reader.count(1), "The most."),
    delay: option.defaulted("TIME", reader.duration(), "0", "The delay."),
    tag: option.many("TAG", reader.anyText, "Tags."),
    yes: option.yes,
    order: option.choice(["first", "last"], "first", "Which.", { alias: "which" })
  }
}

const input = (...words: ReadonlyArray<string>) => Either.getOrThrow(read(signature, words))
const refusal = (...words: ReadonlyArray<string>) => Either.getOrThrow(Either.flip(read(signature, words))).message

describe("the command line of a command", () => {
  it("has options before, between and behind arguments, with = or without", () => {
    const expected = input("--max-length", "5", "emails", "a", "b", "--yes")
    assert.deepStrictEqual(input("emails", "--max-length=5", "a", "-y", "b"), expected)
    assert.strictEqual(expected.queue, "emails")
    assert.deepStrictEqual(expected.bodies, ["a", "b"])
    assert.deepStrictEqual([expected.maxLength, expected.yes, expected.order], [5, true, "first"])
  })

  it("takes as arguments what is behind --, the dash alone, numbers below zero, and text with spaces", () => {
    const { bodies } = input("emails", "-", "-5", "-PAUSED Queue paused", "--", "--help", "--yes")
    assert.deepStrictEqual(bodies, ["-", "-5", "-PAUSED Queue paused", "--help", "--yes"])
  })

  it("keeps values as they are: empty, with spaces, with =", () => {
    assert.deepStrictEqual(input("q", "--tag=", "--tag", " a ", "--tag=b=c").tag, ["", " a ", "b=c"])
    assert.strictEqual(input("q", "--which", "LAST").order, "last")
  })

  it("is refused in one sentence that names what is wrong, and what was meant", () => {
    for (const [words, said] of [
      [["q", "--max-lenght", "5"], "add has no option --max-lenght: did you mean --max-length?"],
      [["q", "--zzz"], "add has no option --zzz"],
      [["q", "-x"], "add has no option -x"],
      [["q", "--tag"], "--tag takes a value"],
      [["q", "--tag", "--yes"], "--tag takes a value"],
      [["q", "--yes=no"], "--yes takes no value"],
      [["q", "--max-length", "many"], 'add: --max-length is "many", expected a whole number, 1 or more'],
      [["q", "--max-length", "1", "--max-length", "2"], "add: --max-length is given twice, expected one value"],
      [
        ["q", "--delay", "5"],
        'add: --delay is "5", expected a time with its unit (ms, s, m, h, d), such as 500ms or 1h30m'
      ],
      [["q", "--order", "middle"], 'add: --order is "middle", expected one of first, last'],
      [[], "add needs QUEUE"],
      [[""], 'add: QUEUE is "", expected the name of a queue, at least one character']
    ] as const) {
      assert.strictEqual(refusal(...words), said)
    }
    assert.strictEqual(
      Either.getOrThrow(Either.flip(read({ ...signature, args: {} }, ["more"]))).message,
      'add takes no arguments, and there is "more"'
    )
  })

  it("reads times with their units", () => {
    const millis = (text: string) => Either.map(reader.duration()("test", "--time", text), Duration.toMillis)
    for (const [text, expected] of [
      ["0", 0],
      ["500ms", 500],
      ["1.5s", 1500],
      ["1h30m", 5_400_000],
      ["2d 1h", 176_400_000]
    ] as const) {
      assert.deepStrictEqual(millis(text), Either.right(expected))
    }
    for (const text of ["", "5", "s", "-1s", "1w", "1s2", "abc"]) assert.isTrue(Either.isLeft(millis(text)), text)
  })
})

describe("a wrong word", () => {
  const words = ["queues", "queue", "cluster", "context", "check", "dead", "add"]

  it("is like those that are a few letters away, or that it begins", () => {
    assert.deepStrictEqual(similar("qeues", words), ["queues"])
    assert.deepStrictEqual(similar("clutser", words), ["cluster"])
    assert.deepStrictEqual(similar("con", words), ["context"])
    assert.deepStrictEqual(similar("quue", words), ["queue"])
    assert.deepStrictEqual(similar("zebra", words), [])
  })
})
