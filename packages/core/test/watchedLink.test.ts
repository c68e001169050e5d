import { assert, describe, it } from "@effect/vitest"
import { Cause, Exit, Option } from "effect"
import { ConnectionError } from "../src/DisqueError.js"
import type { DisqueLink } from "../src/DisqueLink.js"
import { WatchedLink } from "../src/links/watchedLink.js"

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

const lane = () => {
  const { answer, link, sent } = scriptedLink()
  const watched = new WatchedLink(link, () => 0)
  watched.isOneAtATime = true
  const ended: Array<string> = []
  const send = (name: string) =>
    watched.send([name], 1000, (outcome) => {
      ended.push(Exit.match(outcome, { onSuccess: () => name, onFailure: (cause) => `${name} ${reasonOf(cause)}` }))
    })
  return { answer, ended, send, sent, watched }
}

const names = Array.from({ length: 30 }, (_, i) => String(i))

describe("a link on which the node takes one command at a time", () => {
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

  it("ends what it keeps back when it breaks, once each, and what comes later too", () => {
    const { ended, send, sent, watched } = lane()
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
  })

  it("closes, when it is to go, after what it keeps back has been answered", () => {
    const { answer, ended, send, watched } = lane()
    for (const name of names) send(name)
    watched.retire()
    assert.isTrue(watched.isOpen)
    while (watched.size > 0) answer()
    assert.isFalse(watched.isOpen)
    assert.deepStrictEqual(ended, names)
  })
})

describe("any other link", () => {
  it("sends all that it is given at once", () => {
    const { link, sent } = scriptedLink()
    const watched = new WatchedLink(link, () => 0)
    for (const name of names) watched.send([name], 1000, () => {})
    assert.deepStrictEqual(sent, names)
  })
})
