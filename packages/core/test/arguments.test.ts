import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, FastCheck } from "effect"
import { Commands, type Job, type JobId } from "../src/index.js"
import { asText } from "./utils/fakeNodes.js"

const optional = <A>(arbitrary: FastCheck.Arbitrary<A>) => FastCheck.option(arbitrary, { nil: undefined })

/** Durations as people write them, those among them that Disque cannot hold. */
const durations = FastCheck.oneof(
  FastCheck.integer({ min: -1, max: 5000 }).map((seconds) => seconds * 1000),
  FastCheck.integer({ min: 0, max: 100_000 }),
  FastCheck.integer({ min: 0, max: 5_000_000 }).map((seconds): Duration.DurationInput => Duration.seconds(seconds)),
  FastCheck.integer({ min: 0, max: 100 }).map((n): Duration.DurationInput => `${n} minutes`),
  FastCheck.constantFrom<Duration.DurationInput>(0, 1n, Duration.infinity, Duration.days(40_000), Number.NaN, 0.5)
)

const addJobOptions = FastCheck.record({
  timeout: optional(durations),
  replicate: optional(FastCheck.constantFrom(0, 1, 2, 3, 65_535, 65_536, 1.5)),
  delay: optional(durations),
  retry: optional(durations),
  ttl: optional(durations),
  maxLen: optional(FastCheck.constantFrom(-1, 0, 1, 100, 2 ** 53)),
  async: optional(FastCheck.boolean())
})

/** The rules of ADDJOB, as 1.0-rc1 reads its words: what it refuses, and what it would keep as something else. */
const refusalOf = (words: ReadonlyArray<string>): string | undefined => {
  const options = new Map<string, number>()
  for (let i = 4; i < words.length; i++) {
    const word = words[i] ?? ""
    if (word === "ASYNC") continue
    if (!/^\d+$/.test(words[i + 1] ?? "")) return `${word} is no number`
    options.set(word, Number(words[++i]))
  }
  const {
    DELAY: delay = 0,
    MAXLEN: maxLen = 1,
    REPLICATE: replicate = 1,
    RETRY: retry = 1,
    TTL: ttl = 86_400
  } = Object.fromEntries(options)
  if (!/^[1-9]\d*$/.test(words[3] ?? "")) return "the timeout is 0, and waits for ever"
  if (replicate < 1 || replicate > 65_535) return "REPLICATE must be between 1 and 65535"
  if (ttl < 1 || maxLen < 1) return "must be a number > 0"
  if (retry === 0 && replicate > 1) return "With RETRY set to 0 please explicitly set REPLICATE to 1"
  if (delay >= ttl) return "The specified DELAY is greater than TTL"
  if (retry * 1000 >= 2 ** 32 || ttl >= 2 ** 31) return "it does not fit"
  return undefined
}

const seconds = (input: Duration.DurationInput | undefined) =>
  input === undefined ? undefined : Duration.toSeconds(Duration.decode(input))

describe("the arguments of ADDJOB", () => {
  it.prop(
    "are words that the server takes and that say what was meant, or are refused here",
    [FastCheck.string({ minLength: 1 }), FastCheck.string(), addJobOptions],
    ([queue, body, options]) => {
      const made = Commands.addJob.make(queue, body, options)
      if (Either.isLeft(made)) {
        assert.match(made.left.message, /^ADDJOB: (timeout|replicate|delay|retry|ttl|maxLen) is .*, expected /)
        return
      }
      const words = asText(made.right.wire)
      assert.deepStrictEqual(words.slice(0, 3), ["ADDJOB", queue, body])
      assert.isUndefined(refusalOf(words))
      const word = (name: string): number | undefined => {
        const at = words.indexOf(name, 4)
        return at < 0 ? undefined : Number(words[at + 1])
      }
      assert.strictEqual(Number(words[3]), Duration.toMillis(Duration.decode(options.timeout ?? "5 seconds")))
      assert.strictEqual(made.right.serverMillis, Number(words[3]))
      assert.strictEqual(word("DELAY"), seconds(options.delay))
      assert.strictEqual(word("RETRY"), seconds(options.retry))
      assert.strictEqual(word("TTL"), seconds(options.ttl))
      assert.strictEqual(word("REPLICATE"), options.replicate)
      assert.strictEqual(word("MAXLEN"), options.maxLen)
      assert.strictEqual(words.includes("ASYNC", 4), options.async === true)
    },
    { fastCheck: { numRuns: 500 } }
  )

  it.prop(
    "that the server would take are never refused here",
    [
      FastCheck.record({
        timeout: optional(FastCheck.integer({ min: 1, max: 2 ** 40 })),
        replicate: optional(FastCheck.integer({ min: 1, max: 65_535 })),
        retry: optional(FastCheck.integer({ min: 1, max: 4_294_967 })),
        delay: optional(FastCheck.integer({ min: 0, max: 86_399 })),
        ttl: optional(FastCheck.integer({ min: 86_400, max: 2_147_483_647 })),
        maxLen: optional(FastCheck.integer({ min: 1 }))
      })
    ],
    ([{ delay, retry, ttl, ...options }]) => {
      const made = Commands.addJob.make("q", "x", {
        ...options,
        delay: delay === undefined ? undefined : Duration.seconds(delay),
        retry: retry === undefined ? undefined : Duration.seconds(retry),
        ttl: ttl === undefined ? undefined : Duration.seconds(ttl)
      })
      assert.isTrue(Either.isRight(made))
    }
  )
})

describe("the arguments of commands about jobs", () => {
  const hex = "0123456789abcdef"
  const id = FastCheck.tuple(
    FastCheck.stringMatching(/^[0-9a-f]{8}$/),
    FastCheck.stringMatching(/^[A-Za-z0-9+/]{24}$/),
    FastCheck.stringMatching(/^[0-9a-f]{4}$/)
  ).map(([origin, middle, ttl]) => `D-${origin}-${middle}-${ttl}` as JobId.JobId)
  const ref = FastCheck.tuple(id, FastCheck.constantFrom(...hex), FastCheck.boolean()).map(
    ([id, node, isJob]): Job.JobRef => (isJob ? { id, node } : id)
  )

  it.prop(
    "are their ids in order, and go to the node of the first",
    [FastCheck.array(ref, { minLength: 1 })],
    ([jobs]) => {
      const command = Either.getOrThrow(Commands.ackJobs.make(jobs))
      assert.deepStrictEqual(
        command.wire.slice(1),
        jobs.map((job) => (typeof job === "object" ? job.id : job))
      )
      const [first] = jobs
      assert.strictEqual(command.holder, typeof first === "object" ? first.node : undefined)
    }
  )

  it.prop(
    "are refused as a whole where one of them is no id, as the server does",
    [FastCheck.array(ref), FastCheck.string(), FastCheck.array(ref)],
    ([before, bad, after]) => {
      const made = Commands.nackJobs.make([...before, bad, ...after])
      assert.isTrue(Either.isLeft(made))
    }
  )
})

describe("the filters of scans", () => {
  it.prop(
    "go out as they are given",
    [
      FastCheck.record({
        minLen: optional(FastCheck.nat()),
        maxLen: optional(FastCheck.nat()),
        importRate: optional(FastCheck.nat())
      })
    ],
    ([options]) => {
      const { wire } = Either.getOrThrow(Commands.scanQueues.make("0", options))
      const said = new Map<string, number>()
      for (let i = 4; i < wire.length; i += 2) said.set(String(wire[i]), Number(wire[i + 1]))
      assert.deepStrictEqual(
        [said.get("MINLEN"), said.get("MAXLEN"), said.get("IMPORTRATE")],
        [options.minLen, options.maxLen, options.importRate]
      )
    }
  )
})
