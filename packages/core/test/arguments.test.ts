import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, FastCheck, Redacted } from "effect"
import { Commands, type InvalidArgument, type Job, type JobId } from "../src/index.js"
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

describe.concurrent("the arguments of ADDJOB", () => {
  it.prop(
    "are words that the server takes and that mean what the caller wrote, or are refused here",
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

describe.concurrent("the arguments of commands about jobs", () => {
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
    "are refused as a whole if one of them is not an id, as on the server",
    [FastCheck.array(ref), FastCheck.string(), FastCheck.array(ref)],
    ([before, bad, after]) => {
      const made = Commands.nackJobs.make([...before, bad, ...after])
      assert.isTrue(Either.isLeft(made))
    }
  )
})

const refusalBy = (made: Either.Either<unknown, InvalidArgument>): string =>
  Either.match(made, { onLeft: ({ message }) => message, onRight: () => "nothing" })

describe.concurrent("text with half of a surrogate pair", () => {
  const half = "ab\ud83d"
  const whole = "ab\ud83d\ude00"

  it("is refused, with its place, wherever text goes out", () => {
    const texts: Record<string, (text: string) => Either.Either<unknown, InvalidArgument>> = {
      "ADDJOB: body": (text) => Commands.addJob.make("q", text),
      "ADDJOB: queue": (text) => Commands.addJob.make(text, "x"),
      "QLEN: queue": (text) => Commands.queueLength.make(text),
      "QSTAT: queue": (text) => Commands.queueStats.make(text),
      "QPEEK: queue": (text) => Commands.peek.make(text),
      "PAUSE: queue": (text) => Commands.pause.make(text, "in"),
      "JSCAN: queue": (text) => Commands.scanJobs.make("0", { queue: text }),
      "AUTH: password": (text) => Commands.auth.make(Redacted.make(text)),
      "CONFIG GET: pattern": (text) => Commands.config.get.make(text),
      "CONFIG SET: requirepass": (text) => Commands.config.set.make("requirepass", Redacted.make(text)),
      "INFO: section": (text) => Commands.info.make(text),
      "LATENCY GRAPH: event": (text) => Commands.latency.graph.make(text),
      "LATENCY RESET: event": (text) => Commands.latency.reset.make("fork", text),
      "CLIENT KILL: address": (text) => Commands.client.kill.make({ address: `${text}:1` }),
      "DEBUG: argument": (text) => Commands.debug.make("ERROR", text),
      "raw: argument": (text) => Commands.raw.make("PING", text)
    }
    for (const [what, make] of Object.entries(texts)) {
      const message = `${what} is text with half of a surrogate pair at 2, expected text of whole characters`
      assert.strictEqual(refusalBy(make(half)), message)
      assert.strictEqual(refusalBy(make(`ab\ude00${whole}`)), message)
      assert.strictEqual(refusalBy(make(whole)), "nothing", what)
    }
  })

  it.prop("arrives as it is, or not at all", [FastCheck.string({ unit: "binary" })], ([text]) => {
    const torn = text + String.fromCharCode(0xd800)
    assert.strictEqual(new TextDecoder().decode(new TextEncoder().encode(text)), text)
    assert.isTrue(Either.isRight(Commands.addJob.make("q", text)))
    assert.include(refusalBy(Commands.addJob.make("q", torn)), ` at ${text.length},`)
  })
})

describe.concurrent("a command that is longer than the server takes", () => {
  const most = 512 * 1024 * 1024

  it("is refused: bytes, and text by the bytes that it takes", () => {
    const over = new Uint8Array(most + 1)
    assert.strictEqual(
      refusalBy(Commands.addJob.make("q", over)),
      "ADDJOB: body is 536870913 bytes, expected at most 512 MB"
    )
    assert.match(refusalBy(Commands.raw.make("PING", over)), /^raw: argument is 536870913 bytes/)
    const text = "€".repeat(most / 3 + 1)
    assert.strictEqual(
      refusalBy(Commands.addJob.make("q", text)),
      `ADDJOB: body is text of ${3 * text.length} bytes, expected at most 512 MB`
    )
  }, 30_000)

  it("is refused: more words than a command may have, and more than a connection holds", () => {
    const id = "D-00000000-000000000000000000000000-05a1"
    assert.strictEqual(
      refusalBy(Commands.ackJobs.make(new Array(1024 * 1024).fill(id))),
      "ACKJOB: command is 1048577 words, expected at most 1048576"
    )
    assert.isTrue(Either.isRight(Commands.ackJobs.make(new Array(1024 * 1024 - 1).fill(id))))
    const name = "x".repeat(1024 * 1024)
    assert.match(
      refusalBy(Commands.getJobs.make(new Array(1024).fill(name), 1, 0)),
      /^GETJOB: command is \d+ bytes or more, expected at most 1 GB$/
    )
  })
})

describe.concurrent("the filters of scans", () => {
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
