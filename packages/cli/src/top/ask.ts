/** What is asked before something is changed, and what the answers do. */
import { deadQueueOf, queueOfDead } from "@disco/core/internal"
import { counted } from "../output/format.js"
import { printable } from "../output/text.js"
import type { Input } from "../screen/keys.js"
import { withFilter } from "./list.js"
import { type Action, type Change, findQueue, type Model, type Question, queueInHand } from "./model.js"

const told = (model: Model, text: string): Model => ({ ...model, message: { text, isFailure: false } })

const asking = (model: Model, question: Question): Model => ({ ...model, question })

const askPause = (model: Model, queue: string): Model =>
  asking(model, { _tag: (findQueue(model, queue)?.pause ?? "none") === "none" ? "Pause" : "Resume", queue })

/** A queue of dead letters stands for the queue that they came from. */
const askRedrive = (model: Model, selected: string): Model => {
  const queue = queueOfDead(selected) ?? selected
  const count = findQueue(model, deadQueueOf(queue))?.length ?? 0
  return count === 0
    ? told(model, `${printable(queue)} has no dead letters`)
    : asking(model, { _tag: "Redrive", queue, count })
}

/** The question that a key asks; undefined if it is none of these keys, or if there is nothing that it could be about. */
export const ask = (model: Model, name: string): Model | undefined => {
  if (model.job !== undefined) return name === "d" ? asking(model, { _tag: "DeleteJob", id: model.job.id }) : undefined
  const queue = queueInHand(model)
  if (queue === undefined) return undefined
  if (name === "p") return askPause(model, queue)
  if (name === "r") return askRedrive(model, queue)
  if (name === "d") return asking(model, { _tag: "DeleteQueue", queue, typed: "" })
  return undefined
}

// The longest text that can be typed. Names of queues may be longer.
const mostTyped = 65_536

/** The text after a key or a paste; undefined if that does not change texts. */
const typed = (text: string, input: Input): string | undefined => {
  if (input._tag === "Paste") return (text + input.text.replace(/[\r\n]+$/, "")).slice(0, mostTyped)
  if (input.name === "backspace") return Array.from(text).slice(0, -1).join("")
  if (input.name === "ctrl-u") return ""
  return Array.from(input.name).length === 1 ? text + input.name : undefined
}

const isKey = (input: Input, ...names: ReadonlyArray<string>): boolean =>
  input._tag === "Key" && names.includes(input.name)

const answerFilter = (model: Model, before: string, input: Input): Model => {
  const done = { ...model, question: undefined }
  if (isKey(input, "enter")) return done
  if (isKey(input, "escape")) return withFilter(done, before)
  return withFilter(model, typed(model.filter, input) ?? model.filter)
}

/** Whether what was typed is the name of the queue, as it is or as it is shown. */
const isName = (text: string, queue: string): boolean => text === queue || text === printable(queue)

const nothing = "nothing was changed"

const done = (model: Model, action: Action): Change => [{ ...model, question: undefined }, action]

const left = (model: Model, text = nothing): Change => [told({ ...model, question: undefined }, text), undefined]

const scopes = { a: "all", i: "in", o: "out" } as const

/** What a key or a paste does while a question is open. */
export const answer = (model: Model, question: Question, input: Input): Change => {
  switch (question._tag) {
    case "Filter":
      return [answerFilter(model, question.before, input), undefined]
    case "DeleteQueue": {
      const { queue } = question
      if (isKey(input, "escape")) return left(model)
      if (isKey(input, "enter")) {
        return isName(question.typed, queue)
          ? done(model, { _tag: "DeleteQueue", queue })
          : left(model, `${nothing}: what was typed is not the name of the queue`)
      }
      const text = typed(question.typed, input)
      return [text === undefined ? model : asking(model, { ...question, typed: text }), undefined]
    }
    case "Pause": {
      const { queue } = question
      const what = input._tag === "Key" ? scopes[input.name as keyof typeof scopes] : undefined
      return what === undefined ? left(model) : done(model, { _tag: "Pause", queue, what })
    }
    case "Resume":
      return isKey(input, "y") ? done(model, { _tag: "Pause", queue: question.queue, what: "none" }) : left(model)
    case "Redrive":
      return isKey(input, "y") ? done(model, { _tag: "Redrive", queue: question.queue }) : left(model)
    case "DeleteJob":
      return isKey(input, "y") ? done(model, { _tag: "DeleteJob", id: question.id }) : left(model)
  }
}

/** The question as it is shown, and what was typed so far. */
export const show = (question: Question, model: Model): readonly [text: string, typed: string] => {
  switch (question._tag) {
    case "Filter":
      return ["Show queues whose names hold: ", printable(model.filter)]
    case "DeleteQueue":
      return [`Delete all jobs of ${printable(question.queue)}? Type its name: `, printable(question.typed)]
    case "Pause":
      return [`Pause ${printable(question.queue)}? a: all, i: what comes in, o: what goes out, Esc: no `, ""]
    case "Resume":
      return [`Resume ${printable(question.queue)} on all nodes? y/n `, ""]
    case "Redrive":
      return [`Add ${counted(question.count, "dead letter")} to ${printable(question.queue)} again? y/n `, ""]
    case "DeleteJob":
      return ["Delete this job on all nodes? y/n ", ""]
  }
}
