import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { CommandWriter } from "../../src/link/commandWriter.js"

const expected = (command: ReadonlyArray<string | Uint8Array>): Buffer =>
  Buffer.concat([
    Buffer.from(`*${command.length}\r\n`),
    ...command.flatMap((argument) => {
      const bytes = Buffer.from(argument as string)
      return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]
    })
  ])

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

describe("a command", () => {
  it("within a tick goes at once, in order", async () => {
    const written: Array<Buffer> = []
    const outgoing = new CommandWriter((parts) => written.push(Buffer.concat(parts)))
    outgoing.add(["PING"])
    outgoing.add(["ECHO", "größer"])
    assert.deepStrictEqual(written, [])
    await tick()
    outgoing.add(["PING"])
    await tick()
    assert.deepStrictEqual(written, [
      Buffer.concat([expected(["PING"]), expected(["ECHO", "größer"])]),
      expected(["PING"])
    ])
  })

  it("goes out with others in portions, 32 commands and then ever more, so that the node need not wait for the last one", async () => {
    const written: Array<Buffer> = []
    const outgoing = new CommandWriter((parts) => written.push(Buffer.concat(parts)))
    for (let i = 0; i < 100; i++) outgoing.add(["ECHO", String(i)])
    assert.strictEqual(written.length, 2)
    await tick()
    const all = Array.from({ length: 100 }, (_, i) => expected(["ECHO", String(i)]))
    assert.deepStrictEqual(
      written,
      [all.slice(0, 32), all.slice(32, 96), all.slice(96)].map((part) => Buffer.concat(part))
    )
  })

  it("is written as RESP, whatever text and bytes are in it, and does not change after it was added", async () => {
    const argument = FastCheck.oneof(
      FastCheck.string({ unit: "binary", maxLength: 600 }),
      FastCheck.constant("€".repeat(341)),
      FastCheck.uint8Array({ maxLength: 3000 }),
      FastCheck.constant(new Uint8Array(70_000).fill(7))
    )
    const commands = FastCheck.array(FastCheck.array(argument, { minLength: 1, maxLength: 6 }), { maxLength: 40 })
    await FastCheck.assert(
      FastCheck.asyncProperty(commands, async (commands) => {
        const written: Array<Uint8Array> = []
        // What a socket holds back is looked at late.
        const outgoing = new CommandWriter((parts) => written.push(...parts))
        for (const [i, command] of commands.entries()) {
          outgoing.add(command)
          if (i % 7 === 6) await tick()
        }
        await tick()
        assert.isTrue(Buffer.concat(written).equals(Buffer.concat(commands.map(expected))))
      }),
      { numRuns: 200 }
    )
  })
})
