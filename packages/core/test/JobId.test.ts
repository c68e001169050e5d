import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, FastCheck, Option } from "effect"
import { JobId } from "../src/index.js"

const of = (alphabet: string, length: number) =>
  FastCheck.array(FastCheck.constantFrom(...alphabet), { minLength: length, maxLength: length }).map((chars) =>
    chars.join("")
  )
const hex = "0123456789abcdef"
const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

const parts = FastCheck.tuple(of(hex, 8), of(base64, 24), of(hex, 4))

describe.concurrent("a job id", () => {
  it.prop("is recognized by its form, and its parts are read", [parts], ([[origin, middle, minutes]]) => {
    const id = JobId.make(`D-${origin}-${middle}-${minutes}`)
    assert.isTrue(JobId.isJobId(id))
    assert.strictEqual(id.length, 40)
    assert.strictEqual(JobId.origin(id), origin)
    assert.deepStrictEqual(JobId.ttl(id), Duration.minutes(Number.parseInt(minutes, 16)))
    assert.strictEqual(JobId.isAtLeastOnce(id), Number.parseInt(minutes, 16) % 2 === 1)
  })

  it.prop(
    "is not valid once a character is added, left out, or replaced by one that is not allowed there",
    [parts, FastCheck.nat(39), FastCheck.constantFrom("-", "_", "G", "é", " ", "\n", "\0")],
    ([[origin, middle, minutes], at, char]) => {
      const id = `D-${origin}-${middle}-${minutes}`
      assert.isFalse(JobId.isJobId(id.slice(0, at) + id.slice(at + 1)))
      assert.isFalse(JobId.isJobId(id.slice(0, at) + char + id.slice(at)))
      const replaced = id.slice(0, at) + char + id.slice(at + 1)
      const isStillOne = replaced === id || (char === "G" && at >= 11 && at < 35)
      assert.strictEqual(JobId.isJobId(replaced), isStillOne)
    }
  )

  it.prop("is not any other value", [FastCheck.anything()], ([value]) => {
    assert.isFalse(JobId.isJobId(value))
  })

  it("is not valid with text behind it, which is said by a value or by an exception", () => {
    const id = "D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1"
    assert.deepStrictEqual(JobId.make.option(`${id}\n`), Option.none())
    assert.throws(() => JobId.make(`${id} `))
    const refused = JobId.make.either("foo")
    assert.include(Either.isLeft(refused) ? refused.left[0]?.message : "", '"foo" is not a job id')
    assert.isTrue(Option.isSome(JobId.make.option(id)))
  })
})
