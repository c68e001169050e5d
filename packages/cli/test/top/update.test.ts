import type { Cluster } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { type Action, type Model, start } from "../../src/top/model.js"
import { type Event, update } from "../../src/top/update.js"
import { start as began, node, queue, rates, snapshot } from "./data.js"

const size = { columns: 80, rows: 10 }

const key = (name: string): Event => ({ _tag: "Key", name })

/** The model after events, and the actions that these asked for. */
const after = (model: Model, ...events: ReadonlyArray<Event | string>) => {
  const actions: Array<Action> = []
  let last = model
  for (const event of events) {
    const [next, action] = update(last, typeof event === "string" ? key(event) : event)
    last = next
    if (action !== undefined) actions.push(action)
  }
  return { model: last, actions }
}

const sampled = (
  queues: ReadonlyArray<Cluster.ClusterQueue>,
  nodes?: Array<Cluster.SampledNode>,
  later = 0
): Event => ({
  _tag: "Sampled",
  snapshot: snapshot(queues, nodes, later)
})

const typed = (text: string) => Array.from(text)

const named = (...names: ReadonlyArray<string>) => names.map((name) => queue(name))

const at = (...queues: ReadonlyArray<Cluster.ClusterQueue>) => after(start(size, began), sampled(queues)).model

const order = ({ rows }: Model) => rows.map(({ queue }) => queue.name)

describe("the list of top", () => {
  it("begins with the queue that is in the most trouble", () => {
    const model = at(
      queue("calm", { length: 5000 }),
      queue("growing", { length: 10, rates: rates(10, 1) }),
      queue("stuck", { length: 3, blocked: 0, oldest: Duration.seconds(5) }),
      queue("stuck longer", { length: 3, blocked: 0, oldest: Duration.minutes(5) })
    )
    assert.deepStrictEqual(order(model), ["stuck longer", "stuck", "growing", "calm"])
    assert.strictEqual(model.cursor.selected, "stuck longer")
  })

  it("is sorted by the column that arrows choose, and turned round by v", () => {
    const model = at(queue("a", { length: 1 }), queue("b", { length: 3 }), queue("c", { length: 2 }))
    const byName = after(model, "right")
    assert.deepStrictEqual(byName.model.sort, { by: "name", isReversed: false })
    assert.deepStrictEqual(order(byName.model), ["a", "b", "c"])
    const byLength = after(byName.model, "right")
    assert.deepStrictEqual(order(byLength.model), ["b", "c", "a"])
    assert.deepStrictEqual(order(after(byLength.model, "v").model), ["a", "c", "b"])
    assert.deepStrictEqual(after(byLength.model, "left", "left").model.sort.by, "trouble")
  })

  it("keeps the cursor on its queue when rows move, and on the row of a queue that is gone", () => {
    const { model } = after(at(...named("a", "b", "c")), "right", "down")
    assert.strictEqual(model.cursor.selected, "b")
    assert.strictEqual(after(model, sampled(named("0", "1", "a", "b", "c"))).model.cursor.selected, "b")
    assert.strictEqual(after(model, sampled(named("a", "c"))).model.cursor.selected, "c")
    assert.strictEqual(after(model, sampled(named("a"))).model.cursor.selected, "a")
    assert.strictEqual(after(model, sampled([])).model.cursor.selected, undefined)
  })

  it("scrolls as far as the cursor needs it, by rows, by pages, to both ends, and when the screen becomes smaller", () => {
    const names = Array.from({ length: 100 }, (_, i) => `q${String(i).padStart(3, "0")}`)
    const { model } = after(at(...named(...names)), "right")
    const down = (count: number) => Array.from({ length: count }, () => "down")
    assert.strictEqual(after(model, ...down(4)).model.cursor.top, 0)
    assert.deepStrictEqual(after(model, ...down(6)).model.cursor, { selected: "q006", top: 2 })
    assert.deepStrictEqual(after(model, "pageDown").model.cursor, { selected: "q005", top: 1 })
    assert.deepStrictEqual(after(model, "G").model.cursor, { selected: "q099", top: 95 })
    assert.deepStrictEqual(after(model, "G", "up", "home").model.cursor, { selected: "q000", top: 0 })
    const smaller = after(model, ...down(4), { _tag: "Resized", size: { columns: 20, rows: 7 } }).model
    assert.deepStrictEqual(smaller.cursor, { selected: "q004", top: 3 })
  })

  it("filters by what is typed, in capitals or not, until Escape", () => {
    const model = at(...named("mail.send", "Mail.read", "orders"))
    const filtered = after(model, "/", ...typed("MAIL"))
    assert.deepStrictEqual(order(filtered.model), ["Mail.read", "mail.send"])
    assert.deepStrictEqual(order(after(filtered.model, "backspace", "enter", "q").model), ["Mail.read", "mail.send"])
    assert.deepStrictEqual(after(filtered.model, "q").actions, [], "q is a letter while a text is typed")
    assert.deepStrictEqual(order(after(filtered.model, "enter", "/", "x", "escape").model), ["Mail.read", "mail.send"])
    assert.strictEqual(order(after(filtered.model, "enter", "escape").model).length, 3)
  })

  it("stays as it was while no node answers, and goes on when one does", () => {
    const model = at(...named("a", "b"))
    const dead = after(
      model,
      sampled([], [node("127.0.0.1:7711", 0)], 1000),
      sampled([], [node("127.0.0.1:7711", 1)], 2000)
    )
    assert.strictEqual(dead.model.silentSince, began + 1000)
    assert.deepStrictEqual(order(dead.model), ["a", "b"])
    const back = after(dead.model, sampled(named("c"), undefined, 3000))
    assert.strictEqual(back.model.silentSince, undefined)
    assert.deepStrictEqual(order(back.model), ["c"])
  })
})

describe("what top does to a queue", () => {
  it("pauses and resumes only after an answer", () => {
    const model = at(queue("mail"))
    assert.deepStrictEqual(after(model, "p").actions, [])
    assert.deepStrictEqual(after(model, "p", "a").actions, [{ _tag: "Pause", queue: "mail", what: "all" }])
    assert.deepStrictEqual(after(model, "p", "o").actions, [{ _tag: "Pause", queue: "mail", what: "out" }])
    assert.deepStrictEqual(after(model, "p", "x").actions, [])
    const paused = at(queue("mail", { pause: "out" }))
    assert.deepStrictEqual(after(paused, "p", "y").actions, [{ _tag: "Pause", queue: "mail", what: "none" }])
    assert.deepStrictEqual(after(paused, "p", "a").actions, [])
  })

  it("redrives the dead letters of a queue, also from the queue that holds them", () => {
    const model = after(at(queue("mail"), queue("mail.dead", { length: 2 }), queue("orders")), "right", "g").model
    const asked = after(model, "r")
    assert.deepStrictEqual(asked.model.question, { _tag: "Redrive", queue: "mail", count: 2 })
    assert.deepStrictEqual(after(asked.model, "y").actions, [{ _tag: "Redrive", queue: "mail" }])
    assert.deepStrictEqual(after(asked.model, "enter").actions, [])
    assert.deepStrictEqual(after(model, "down", "r", "y").actions, [{ _tag: "Redrive", queue: "mail" }])
    const none = after(model, "G", "r")
    assert.strictEqual(none.model.message?.text, "orders has no dead letters")
    assert.deepStrictEqual(after(none.model, "y").actions, [])
  })

  it("deletes the jobs of a queue after its name was typed or pasted, and not otherwise", () => {
    const model = at(queue("mail"))
    const action: Action = { _tag: "DeleteQueue", queue: "mail" }
    assert.deepStrictEqual(after(model, "d", ...typed("mail"), "enter").actions, [action])
    assert.deepStrictEqual(after(model, "d", { _tag: "Paste", text: "mail\n" }).actions, [])
    assert.deepStrictEqual(after(model, "d", { _tag: "Paste", text: "mail\n" }, "enter").actions, [action])
    assert.deepStrictEqual(after(model, "d", ...typed("Mail"), "enter").actions, [])
    assert.deepStrictEqual(after(model, "d", "enter").actions, [])
    assert.deepStrictEqual(after(model, "d", ...typed("mail"), "escape", "enter").actions, [])
    const wrong = after(model, "d", ...typed("mai"), "enter").model
    assert.strictEqual(wrong.message?.text, "nothing was changed: what was typed is not the name of the queue")
  })

  it("is about the queue that was asked for, although another one has taken its row", () => {
    const { model } = after(at(queue("b")), "d", ...typed("b"), sampled(named("a", "b")))
    assert.deepStrictEqual(after(model, "enter").actions, [{ _tag: "DeleteQueue", queue: "b" }])
  })

  it("takes a name as it is shown, if it holds what nobody can type", () => {
    const { actions } = after(at(queue("a\u001b[2Jb")), "d", ...typed("a\\x1b[2Jb"), "enter")
    assert.deepStrictEqual(actions, [{ _tag: "DeleteQueue", queue: "a\u001b[2Jb" }])
  })

  it("does nothing with what is pasted where nothing is asked", () => {
    const model = at(queue("mail"))
    assert.deepStrictEqual(after(model, { _tag: "Paste", text: "d\np\nq" }), { model, actions: [] })
  })

  it("says what is being done, and what came of it until the next key", () => {
    const begun = after(at(queue("mail")), { _tag: "Begun", what: "pausing mail" }).model
    assert.deepStrictEqual(begun.doing, ["pausing mail"])
    const message = { text: "mail is paused", isFailure: false }
    const done = after(begun, { _tag: "Done", what: "pausing mail", message }).model
    assert.deepStrictEqual([done.doing, done.message], [[], message])
    assert.strictEqual(after(done, "down").model.message, undefined)
  })
})

describe("the pages of top", () => {
  const head = ["D-1", "D-2"].map((id) => ({ id, node: "127.0.0.1:7711", body: new Uint8Array() }))
  const seen: Event = { _tag: "QueueSeen", name: "mail", detail: { head, counts: undefined, trouble: undefined } }

  it("are opened by Enter, a queue and then one of its jobs, and closed by Escape", () => {
    const opened = after(at(queue("mail")), "enter", seen, "down", "enter").model
    assert.deepStrictEqual([opened.queue?.name, opened.job?.id], ["mail", "D-2"])
    const back = after(opened, "escape").model
    assert.deepStrictEqual([back.queue?.selected, back.job], ["D-2", undefined])
    assert.strictEqual(after(back, "escape").model.queue, undefined)
  })

  it("keep the job that is selected, or the first one once that is gone", () => {
    const opened = after(at(queue("mail")), "enter", seen, "down", seen).model
    assert.strictEqual(opened.queue?.selected, "D-2")
    const gone: Event = { ...seen, detail: { ...seen.detail, head: head.slice(0, 1) } }
    assert.strictEqual(after(opened, gone).model.queue?.selected, "D-1")
  })

  it("ignore what comes for a page that is closed", () => {
    const model = at(queue("mail"), queue("orders"))
    assert.strictEqual(after(model, seen).model.queue, undefined)
    assert.strictEqual(after(model, "enter", "escape", "down", "enter", seen).model.queue?.detail, undefined)
  })

  it("delete an open job after an answer", () => {
    const opened = after(at(queue("mail")), "enter", seen, "enter").model
    assert.deepStrictEqual(after(opened, "d", "n").actions, [])
    assert.deepStrictEqual(after(opened, "d", "y").actions, [{ _tag: "DeleteJob", id: "D-1" }])
  })

  it("are left by q, stopped by Ctrl-Z and interrupted by Ctrl-C, whatever is open", () => {
    const opened = after(at(queue("mail")), "enter", "d").model
    assert.deepStrictEqual(after(opened, "ctrl-c", "ctrl-z").actions, [{ _tag: "Interrupt" }, { _tag: "Suspend" }])
    assert.deepStrictEqual(after(opened, "escape", "q").actions, [{ _tag: "Quit" }])
    assert.deepStrictEqual(after(opened, { _tag: "Closed" }).actions, [{ _tag: "Quit" }])
  })

  it("are hidden by the help, which any key closes", () => {
    const { actions, model } = after(at(queue("mail")), "?", "q")
    assert.deepStrictEqual([model.isHelp, actions], [false, []])
  })
})
