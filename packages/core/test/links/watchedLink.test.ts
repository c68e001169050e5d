import { assert, describe, it } from "@effect/vitest"
import { Cause, Exit, Option } from "effect"
import { ConnectionError } from "../../src/DisqueError.js"
import type { DisqueLink } from "../../src/DisqueLink.js"
import { WatchedLink } from "../../src/links/watchedLink.js"

type Done = Parameters<DisqueLink["send"]>[1]

/** A link whose node answers when told so, and what it was sent. */
const scriptedLink = () => {
  const sent: Array<string> = []
  const waiting: Array<Done> = []
  let isOpen = true
  const end = (reason: ConnectionError) => {
    isOpen = false
    for (const done of waiting.splice(0)) done(Exit.fail(reason))
  }
  const link: DisqueLink = {
    node: "node:1",
    isOpen: () => isOpen,
    close: end,
    send: ([name], done) => {
      if (!isOpen) return done(Exit.fail(new ConnectionError({ node: "node:1", reason: "lost" })))
      sent.push(String(name))
      waiting.push(done)
    }
  }
  return { link, sent, answer: () => waiting.shift()?.(Exit.succeed("OK")) }
}

const reasonOf = (cause: Cause.Cause<ConnectionError>) => Option.getOrUndefined(Cause.failureOption(cause))?.reason

/** A watched link, what it ended and how, and the time, which passes as the test says. */
const watch = (isOneAtATime: boolean) => {
  const { answer, link, sent } = scriptedLink()
  let time = 0
  const watched = new WatchedLink(link, () => time)
  watched.isOneAtATime = isOneAtATime
  const ended: Array<string> = []
  const late: Array<string> = []
  const send = (name: string, millis = 1000, spent = 0) =>
    watched.send(
      [name],
      millis,
      (outcome, isLate) => {
        const how = Exit.match(outcome, { onSuccess: () => name, onFailure: (cause) => `${name} ${reasonOf(cause)}` })
        ended.push(how)
        if (isLate) late.push(how)
      },
      time,
      spent
    )
  /** Lets time pass, and the link be closed where its time has come. */
  const pass = (millis: number) => {
    for (const end = time + millis; time < end; time++) {
      if (watched.deadline <= time && !watched.expire(time)) watched.close("silent")
    }
  }
  return { answer, ended, late, pass, send, sent, watched }
}

const lane = () => watch(true)

const names = Array.from({ length: 30 }, (_, i) => String(i))

describe.concurrent("a link on which the node takes one command at a time", () => {
  it("keeps back what the node cannot begin with yet, and sends and ends all of it in order", () => {
    const { answer, ended, send, sent, watched } = lane()
    for (const name of names) send(name)
    assert.deepStrictEqual(sent, names.slice(0, 8))
    assert.strictEqual(watched.size, 30)
    for (let i = 0; i < 3; i++) answer()
    assert.strictEqual(sent.length, 8)
    answer()
    assert.deepStrictEqual(sent, names)
    while (watched.size > 0) answer()
    assert.deepStrictEqual(ended, names)
  })

  it("ends each command that it keeps back once when it breaks, and each command that comes later", () => {
    const { ended, late, send, sent, watched } = lane()
    for (const name of names) send(name)
    watched.close("silent")
    send("late")
    assert.strictEqual(sent.length, 8)
    assert.strictEqual(watched.size, 0)
    const expected = [
      ...names.slice(0, 8).map((name) => `${name} silent`),
      ...names.slice(8).map((name) => `${name} unsent`),
      "late lost"
    ]
    assert.deepStrictEqual([...ended].sort(), expected.sort())
    assert.deepStrictEqual(late, [])
  })

  it("closes, when it is retired, after the commands that it keeps back have been answered", () => {
    const { answer, ended, send, watched } = lane()
    for (const name of names) send(name)
    watched.retire()
    assert.isTrue(watched.isOpen)
    while (watched.size > 0) answer()
    assert.isFalse(watched.isOpen)
    assert.deepStrictEqual(ended, names)
  })
})

describe.concurrent("a line that stands still", () => {
  it("ends each command when its own time is up, whatever is before it: as unsent if it was kept back", () => {
    const { answer, ended, late, pass, send, sent } = lane()
    for (let i = 0; i < 12; i++) send(`${i}`, 3000)
    send("short", 1500)
    for (let i = 0; i < 5; i++) {
      pass(900)
      answer()
    }
    assert.deepStrictEqual(
      ended,
      // Those that were sent may be done, and go on; the others never are.
      ["0", "short unsent", "1", "2", "3 silent", "4 silent", "5 silent", "6 silent", "7 silent"].concat(
        ["8", "9", "10", "11"].map((name) => `${name} unsent`)
      )
    )
    assert.deepStrictEqual(
      late,
      ended.filter((how) => how.includes(" "))
    )
    assert.strictEqual(sent.length, 8)
  })

  it("sends no more than what the node can begin with, until it moves again", () => {
    const { answer, pass, send, sent } = lane()
    for (const name of names) send(name, 60_000)
    for (let i = 0; i < 7; i++) {
      pass(200)
      answer()
    }
    assert.strictEqual(sent.length, 8)
    pass(200)
    answer()
    assert.strictEqual(sent.length, 9)
    answer()
    assert.strictEqual(sent.length, 30)
  })

  it("goes on for the commands whose time is not up, each with its own answer", () => {
    const { answer, ended, pass, send, watched } = watch(false)
    send("slow", 5000)
    send("short", 1000)
    send("long", 5000)
    pass(1500)
    send("new", 1000)
    assert.deepStrictEqual(ended, ["short silent"])
    while (watched.size > 0) answer()
    assert.deepStrictEqual(ended, ["short silent", "slow", "long", "new"])
    assert.strictEqual(watched.deadline, Number.POSITIVE_INFINITY)
    assert.isTrue(watched.isOpen)
  })

  it("is closed once the node has had all the time of the command at the front, whether anybody waits for it or not", () => {
    const { answer, ended, pass, send, watched } = watch(false)
    send("first", 1000)
    send("second", 1000)
    pass(900)
    answer()
    pass(200)
    assert.deepStrictEqual(ended, ["first", "second silent"])
    assert.isTrue(watched.isOpen)
    pass(900)
    assert.isFalse(watched.isOpen)
  })

  it("counts what a command has waited before it came to the link", () => {
    const { ended, pass, send, watched } = watch(false)
    send("begun long ago", 1000, 800)
    pass(150)
    assert.deepStrictEqual(ended, [])
    pass(100)
    assert.deepStrictEqual(ended, ["begun long ago silent"])
    assert.isTrue(watched.isOpen)
  })
})

describe.concurrent("a line that moves", () => {
  for (const waits of [false, true]) {
    it(`loses none of its commands, however many there are${waits ? ", though each waits for other nodes" : ""}`, () => {
      const { answer, ended, pass, send, watched } = watch(waits)
      const many = Array.from({ length: 2000 }, (_, i) => String(i))
      for (const name of many) send(name, 500)
      while (watched.size > 0) {
        pass(60)
        answer()
      }
      assert.deepStrictEqual(ended, many)
    })
  }
})

describe.concurrent("any other link", () => {
  it("sends all that it is given at once", () => {
    const { link, sent } = scriptedLink()
    const watched = new WatchedLink(link, () => 0)
    for (const name of names) watched.send([name], 1000, () => {})
    assert.deepStrictEqual(sent, names)
  })
})

describe.concurrent("large commands", () => {
  const megabytes = (count: number) => new Uint8Array(count * 1024 * 1024)

  for (const waits of [false, true]) {
    it(`are on their way 64 MB at a time, and each of them in the end${waits ? ", though each waits for other nodes" : ""}`, () => {
      const { answer, link, sent } = scriptedLink()
      const watched = new WatchedLink(link, () => 0)
      watched.isOneAtATime = waits
      const ended: Array<boolean> = []
      const send = (name: string, size: number) =>
        watched.send([name, megabytes(size)], 1000, (outcome) => ended.push(Exit.isSuccess(outcome)))
      for (const [name, size] of [
        ["a", 30],
        ["b", 30],
        ["c", 30],
        ["d", 500],
        ["e", 1],
        ["f", 1]
      ] as const)
        send(name, size)
      assert.deepStrictEqual(sent, ["a", "b"])
      answer()
      if (!waits) assert.deepStrictEqual(sent, ["a", "b", "c"])
      for (let i = 0; i < 6; i++) answer()
      assert.deepStrictEqual(sent, ["a", "b", "c", "d", "e", "f"])
      assert.deepStrictEqual(ended, new Array(6).fill(true))
      // As if nothing had been.
      send("g", 1)
      answer()
      assert.strictEqual(sent.at(-1), "g")
    })
  }
})
