import { Commands, Reply } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import { Malformed, ReplyParser } from "../../src/link/replyParser.js"

const encode = (reply: Reply.Reply): Buffer => {
  if (reply === null) return Buffer.from("$-1\r\n")
  if (typeof reply === "string") return Buffer.from(`+${reply}\r\n`)
  if (typeof reply === "number" || typeof reply === "bigint") return Buffer.from(`:${reply}\r\n`)
  if (reply instanceof Uint8Array) {
    return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from("\r\n")])
  }
  if (reply instanceof Reply.ErrorReply) return Buffer.from(`-${reply.text}\r\n`)
  return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(encode)])
}

const readAs = (areJobs: boolean, chunks: ReadonlyArray<Buffer>): ReadonlyArray<Reply.Reply> => {
  const replies: Array<Reply.Reply> = []
  const incoming = new ReplyParser(
    (reply) => replies.push(reply),
    () => areJobs
  )
  for (const chunk of chunks) incoming.add(chunk)
  return replies
}

const read = (...chunks: ReadonlyArray<Buffer>): ReadonlyArray<Reply.Reply> => readAs(false, chunks)

const line = FastCheck.string({ unit: "grapheme", maxLength: 60 }).map((text) => text.replaceAll(/[\r\n]/g, " "))
const scalar: FastCheck.Arbitrary<Reply.Reply> = FastCheck.oneof(
  line,
  FastCheck.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
  FastCheck.maxSafeInteger().filter((number) => !Object.is(number, -0)),
  FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter(
    (number) => !Number.isSafeInteger(Number(number))
  ),
  FastCheck.constant(null),
  line.map((text) => new Reply.ErrorReply({ text: `ERR ${text}` }))
)
const reply: FastCheck.Arbitrary<Reply.Reply> = FastCheck.oneof(
  scalar,
  FastCheck.array(FastCheck.oneof(scalar, FastCheck.array(scalar, { maxLength: 7 })), { maxLength: 8 })
)

const cutIn = (bytes: Buffer, sizes: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const chunks: Array<Buffer> = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i % sizes.length] as number)
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}

describe("a reply", () => {
  it("is read as it was meant, wherever it is cut", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(reply, { maxLength: 12 }),
        FastCheck.array(FastCheck.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
        (replies, sizes) => {
          const chunks = cutIn(Buffer.concat(replies.map(encode)), sizes)
          assert.deepStrictEqual(read(...chunks), replies)
        }
      ),
      { numRuns: 300 }
    )
  })

  it("is read at every byte at which it can be cut in two, and when it comes byte by byte", () => {
    const replies: ReadonlyArray<Reply.Reply> = [
      "OK",
      [],
      [[new Uint8Array([13, 10]), "größer", -7], null, 9_223_372_036_854_775_807n],
      new Reply.ErrorReply({ text: "NOREPL Not enough" }),
      new Uint8Array(0)
    ]
    const bytes = Buffer.concat(replies.map(encode))
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepStrictEqual(read(bytes.subarray(0, at), bytes.subarray(at)), replies)
    }
    assert.deepStrictEqual(read(...Array.from(bytes, (byte) => Buffer.from([byte]))), replies)
  })

  it("may have a bulk of many megabytes, in as many pieces as sockets give, and what follows in its last one", () => {
    const body = new Uint8Array(5_000_000).fill(7)
    const bytes = Buffer.concat([encode([body]), encode("OK")])
    const chunks = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
      bytes.subarray(i * 65_536, (i + 1) * 65_536)
    )
    const [array, ok] = read(...chunks)
    assert.isTrue(Buffer.compare((array as ReadonlyArray<Uint8Array>)[0] as Uint8Array, body) === 0)
    assert.strictEqual(ok, "OK")
  })

  it("knows both kinds of null", () => {
    assert.deepStrictEqual(read(Buffer.from("*-1\r\n$-1\r\n")), [null, null])
  })

  it("is refused if it is not RESP", () => {
    for (const text of ["HTTP/1.1 400\r\n", ":12a\r\n", "$x\r\n", "*\r\n", ":-\r\n", "\r\n", "+OK\r\n?"]) {
      assert.throws(() => read(Buffer.from(text)), Malformed)
    }
  })

  it("takes no more memory, stack or time than its bytes are worth, whatever it announces", () => {
    const before = process.memoryUsage().heapUsed
    for (const text of ["*5000000000\r\n:1\r\n", "*4294967295\r\n", "*99999999999999999999\r\n", "$536870912\r\nx"]) {
      assert.deepStrictEqual(read(Buffer.from(text)), [])
    }
    for (const text of ["$536870913\r\nx", "$9007199254740993\r\nx"]) {
      assert.throws(() => read(Buffer.from(text)), Malformed)
    }
    assert.isBelow(process.memoryUsage().heapUsed - before, 50_000_000)
    // A few bytes each, and a hundred in memory.
    assert.throws(() => read(Buffer.from(`*99999999\r\n${":1\r\n".repeat(8 * 1024 * 1024 + 1)}`)), Malformed)
    const deep = Buffer.from("*1\r\n".repeat(100_000))
    const digits = Buffer.from(`:${"9".repeat(1_000_000)}\r\n`)
    const feeds = Buffer.from(`+${"\n".repeat(1_000_000)}`)
    for (const hostile of [deep, digits, feeds]) {
      assert.throws(() => read(hostile), Malformed)
      const pieces = Array.from({ length: Math.ceil(hostile.length / 1000) }, (_, i) =>
        hostile.subarray(i * 1000, (i + 1) * 1000)
      )
      assert.throws(() => read(...pieces), Malformed)
    }
  })

  it("of any bytes is read or refused", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(
          FastCheck.oneof(
            FastCheck.constantFrom(
              "*",
              "$",
              "+",
              "-",
              ":",
              "\r\n",
              "\n",
              "\r",
              "1",
              "0",
              "-1",
              "3",
              "99999999999",
              "x"
            ),
            reply.map((reply) => encode(reply).toString("latin1"))
          ),
          { maxLength: 60 }
        ),
        FastCheck.integer({ min: 1, max: 50 }),
        (tokens, size) => {
          const bytes = Buffer.from(tokens.join(""), "latin1")
          const chunks: Array<Buffer> = []
          for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
          try {
            read(...chunks)
          } catch (error) {
            assert.instanceOf(error, Malformed)
          }
        }
      ),
      { numRuns: 1000 }
    )
  })
})

const bulk = (text: string | Uint8Array): Uint8Array => new Uint8Array(Buffer.from(text as string))

const id = "D-bfba0a39-7Odk5Ok5edttbbDlpcZkZHVN-05a1"

const count = FastCheck.oneof(
  { weight: 5, arbitrary: FastCheck.nat(3) },
  { weight: 1, arbitrary: FastCheck.constantFrom(-1, 999_999_999, 1_000_000_000, 2 ** 53 - 1) }
)
const label = FastCheck.constantFrom("nacks", "additional-deliveries", "nackz", "additional-deliveriez", "more")

/** As Disque writes it, or not quite so. */
const job: FastCheck.Arbitrary<Reply.Reply> = FastCheck.record({
  queue: FastCheck.constantFrom("emails", "other", "größer", "", "\ufeffq"),
  id: FastCheck.oneof(
    { weight: 6, arbitrary: FastCheck.constant(bulk(id)) },
    FastCheck.constantFrom(bulk("D-short"), bulk("ü".repeat(20)), new Uint8Array(40).fill(0xff))
  ),
  body: FastCheck.oneof(
    FastCheck.uint8Array({ maxLength: 90 }).map((bytes) => new Uint8Array(bytes)),
    FastCheck.nat(3000).map((length) => new Uint8Array(length).fill(length))
  ),
  first: FastCheck.oneof({ weight: 6, arbitrary: FastCheck.constant("nacks") }, label),
  second: FastCheck.oneof({ weight: 6, arbitrary: FastCheck.constant("additional-deliveries") }, label),
  nacks: FastCheck.oneof({ weight: 6, arbitrary: count }, scalar),
  deliveries: FastCheck.oneof({ weight: 6, arbitrary: count }, scalar),
  more: FastCheck.oneof({ weight: 6, arbitrary: FastCheck.constant([]) }, FastCheck.array(scalar, { maxLength: 3 }))
}).map(({ body, deliveries, first, id, more, nacks, queue, second }) => [
  bulk(queue),
  id,
  body,
  bulk(first),
  nacks,
  bulk(second),
  deliveries,
  ...more
])

const jobsReply: FastCheck.Arbitrary<Reply.Reply> = FastCheck.oneof(
  { weight: 8, arbitrary: FastCheck.array(job, { maxLength: 6 }) },
  { weight: 1, arbitrary: FastCheck.array(FastCheck.oneof(job, scalar), { maxLength: 4 }) },
  { weight: 2, arbitrary: reply }
)

const getJobs = Either.getOrThrow(Commands.getJobs.make(["emails"], 10, 0))

/** What comes of the replies as replies to GETJOB, or of bytes that are no replies. */
const decode = (areJobs: boolean, chunks: ReadonlyArray<Buffer>): unknown => {
  const results: Array<unknown> = []
  const parser = new ReplyParser(
    (reply) => results.push(getJobs.decode(reply, "localhost:7711")),
    () => areJobs
  )
  try {
    for (const chunk of chunks) parser.add(chunk)
  } catch (error) {
    assert.instanceOf(error, Malformed)
    results.push(`${error}`)
  }
  return results
}

describe("a reply to GETJOB", () => {
  const sizes = FastCheck.array(FastCheck.oneof(FastCheck.integer({ min: 1, max: 60 }), FastCheck.nat(9000)), {
    minLength: 1,
    maxLength: 8
  }).map((sizes) => sizes.map((size) => Math.max(1, size)))

  it("gives the same jobs as any reply would, wherever it is cut, and refuses what any reply would", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(jobsReply, { maxLength: 5 }), sizes, (replies, sizes) => {
        const chunks = cutIn(Buffer.concat(replies.map(encode)), sizes)
        assert.deepStrictEqual(decode(true, chunks), decode(false, chunks))
      }),
      { numRuns: 500 }
    )
  })

  it("is read or refused like any reply where bytes of it are wrong", () => {
    const damage = FastCheck.tuple(
      FastCheck.nat(2000),
      FastCheck.constantFrom(...Buffer.from("*$:+-\r\n0179x\xff", "latin1"))
    )
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(job, { minLength: 1, maxLength: 4 }),
        FastCheck.array(damage, { minLength: 1, maxLength: 3 }),
        sizes,
        (jobs, damages, sizes) => {
          const bytes = encode(jobs)
          for (const [at, byte] of damages) bytes[at % bytes.length] = byte
          const chunks = cutIn(bytes, sizes)
          assert.deepStrictEqual(decode(true, chunks), decode(false, chunks))
        }
      ),
      { numRuns: 1000 }
    )
  })

  it("gives the same jobs at every byte at which it can be cut in two, and when it comes byte by byte", () => {
    const jobs = [new Uint8Array(0), new Uint8Array(20).fill(1), new Uint8Array(100).fill(2)].map((body, i) => [
      bulk("emails"),
      bulk(id),
      body,
      bulk("nacks"),
      i,
      bulk("additional-deliveries"),
      12 * i
    ])
    const bytes = encode(jobs)
    const whole = decode(false, [bytes])
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepStrictEqual(decode(true, [bytes.subarray(0, at), bytes.subarray(at)]), whole)
    }
    assert.deepStrictEqual(
      decode(
        true,
        Array.from(bytes, (byte) => Buffer.from([byte]))
      ),
      whole
    )
  })

  it("holds no more than 128 times the size of a body that is kept, though it was read with many others", () => {
    for (const size of [1, 20, 64, 65, 100, 511, 512, 4096]) {
      const one = [bulk("q"), bulk(id), new Uint8Array(size), bulk("nacks"), 0, bulk("additional-deliveries"), 0]
      // As a socket gives it: a part of 64 kB of memory.
      const memory = Buffer.from(new ArrayBuffer(65_536))
      const bytes = encode(new Array(Math.floor(60_000 / (size + 130))).fill(one))
      bytes.copy(memory)
      const [jobs = []] = readAs(true, [memory.subarray(0, bytes.length)]) as ReadonlyArray<
        ReadonlyArray<ReadonlyArray<Reply.Reply>>
      >
      assert.isAbove(jobs.length, 10)
      for (const job of jobs) {
        const body = job[2] as Uint8Array
        assert.strictEqual(body.length, size)
        assert.isAtMost(body.buffer.byteLength, 128 * size)
      }
    }
  })
})
