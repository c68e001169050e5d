import { type DisqueError, refusals } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { find, namesOf } from "../../src/explain/explanations.js"
import { cluster, disco } from "../utils/disco.js"
import { looks } from "../utils/looks.js"

/** Every tag of `DisqueError`: the compiler says if one is missing. */
const tags: Record<DisqueError["_tag"], true> = {
  CommandRefused: true,
  ConnectionError: true,
  GetJobTimeout: true,
  InvalidArgument: true,
  JobNotFound: true,
  LeaseTooOld: true,
  NodeLeaving: true,
  NodeLoading: true,
  NotAuthenticated: true,
  NotPersisted: true,
  NotReplicated: true,
  OutOfMemory: true,
  OutcomeUnknown: true,
  PoolExhausted: true,
  ProtocolError: true,
  QueuePaused: true,
  QueueTooLong: true
}

/** What Disque 1.0-rc1 answers: the first words in its sources that a command of its own can give. */
const codes = [...Object.keys(refusals), "BADID", "ERR"]

describe("disco explain", () => {
  it("knows every error of Disco, and every code that a node answers", () => {
    for (const name of [...Object.keys(tags), ...codes]) {
      const found = find(name)
      assert.isDefined(found, name)
      if (found !== undefined) assert.include(namesOf(found), name)
    }
  })

  it("says under the same heading what a code and its tag mean", () => {
    for (const [code, { name }] of Object.entries(refusals)) assert.strictEqual(find(code), find(name), code)
  })

  it("finds an error by its name in any case, in a message, and as a node wrote it", () => {
    const paused = find("PAUSED")
    for (const text of [
      "paused",
      "QueuePaused",
      "-PAUSED Queue paused in input, try later",
      "127.0.0.1:7711 refused ADDJOB: PAUSED Queue paused in input, try later"
    ]) {
      assert.strictEqual(find(text), paused, text)
    }
  })

  looks("disco explain", ["explain", "NOREPL"])
  looks("disco explain", ["explain"])

  it.effect("says of an error that it does not know what may have been meant, and ends with status 2", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* disco(["explain", "NOREPLY"]), {
        status: 2,
        stdout: "",
        stderr: 'disco: there is no error "NOREPLY": did you mean NOREPL?\n'
      })
    }).pipe(Effect.provide(cluster))
  )
})
