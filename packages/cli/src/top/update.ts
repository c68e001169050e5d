/** What becomes of the model when something happens, and what is to be done then. */
import type { Cluster } from "@disco/core"
import * as DateTime from "effect/DateTime"
import type { ScreenEvent } from "../screen/Screen.js"
import { answer, ask } from "./ask.js"
import { jobLines } from "./jobView.js"
import { listRows } from "./layout.js"
import { indexOf, select, sorted, withFilter } from "./list.js"
import { type Change, type JobDetail, type Message, type Model, type QueueDetail, totalsOf } from "./model.js"
import { sortKeys } from "./rows.js"

export type Event =
  | ScreenEvent
  | { readonly _tag: "Ticked"; readonly now: number }
  | { readonly _tag: "Sampled"; readonly snapshot: Cluster.QueueSnapshot }
  | { readonly _tag: "Members"; readonly members: ReadonlyArray<Cluster.Member> }
  | { readonly _tag: "QueueSeen"; readonly name: string; readonly detail: QueueDetail }
  | { readonly _tag: "JobSeen"; readonly id: string; readonly detail: JobDetail }
  | { readonly _tag: "Begun"; readonly what: string }
  | { readonly _tag: "Done"; readonly what: string; readonly message: Message }

const keep = (model: Model): Change => [model, undefined]

const sampled = (model: Model, snapshot: Cluster.QueueSnapshot): Model => {
  const { nodes } = snapshot
  const at = DateTime.toEpochMillis(snapshot.at)
  const later = { ...model, nodes, now: Math.max(model.now, at) }
  // Without an answer nothing new is known, and what was known is still worth seeing.
  if (nodes.every(({ error }) => error !== undefined)) {
    return { ...later, silentSince: model.silentSince ?? at }
  }
  return sorted({ ...later, snapshot, totals: totalsOf(snapshot.queues), silentSince: undefined })
}

const sortBy = (model: Model, step: number): Model => {
  const at = (sortKeys.indexOf(model.sort.by) + step + sortKeys.length) % sortKeys.length
  return sorted({ ...model, sort: { by: sortKeys[at] ?? "trouble", isReversed: false } })
}

const moves: Readonly<Record<string, (index: number, page: number, last: number) => number>> = {
  up: (index) => index - 1,
  k: (index) => index - 1,
  down: (index) => index + 1,
  j: (index) => index + 1,
  pageUp: (index, page) => index - page,
  pageDown: (index, page) => index + page,
  home: () => 0,
  g: () => 0,
  end: (_, __, last) => last,
  G: (_, __, last) => last
}

const onList = (model: Model, name: string): Change => {
  const move = moves[name]
  if (move !== undefined) {
    return keep(select(model, move(Math.max(0, indexOf(model)), listRows(model.size), model.rows.length - 1)))
  }
  switch (name) {
    case "left":
      return keep(sortBy(model, -1))
    case "right":
      return keep(sortBy(model, 1))
    case "v":
      return keep(sorted({ ...model, sort: { ...model.sort, isReversed: !model.sort.isReversed } }))
    case "/":
      return keep({ ...model, question: { _tag: "Filter", before: model.filter } })
    case "escape":
      return keep(withFilter(model, ""))
    case "enter": {
      const { selected } = model.cursor
      if (selected === undefined) return keep(model)
      return keep({ ...model, queue: { name: selected, detail: undefined, selected: undefined } })
    }
    default:
      return keep(model)
  }
}

const onQueue = (model: Model, name: string): Change => {
  const { queue } = model
  if (queue === undefined) return keep(model)
  const head = queue.detail?.head ?? []
  const move = moves[name]
  if (move !== undefined) {
    const at = Math.max(
      0,
      head.findIndex(({ id }) => id === queue.selected)
    )
    const to = Math.max(0, Math.min(move(at, listRows(model.size), head.length - 1), head.length - 1))
    return keep({ ...model, queue: { ...queue, selected: head[to]?.id } })
  }
  if (name === "escape" || name === "backspace") return keep({ ...model, queue: undefined })
  if (name === "enter" && queue.selected !== undefined) {
    return keep({ ...model, job: { id: queue.selected, detail: undefined, top: 0 } })
  }
  return keep(model)
}

const onJob = (model: Model, name: string): Change => {
  const { job } = model
  if (job === undefined) return keep(model)
  const move = moves[name]
  if (move !== undefined) {
    const seen = listRows(model.size)
    const last = Math.max(0, jobLines(job, { columns: model.size.columns, hasColor: false }).length - seen)
    return keep({ ...model, job: { ...job, top: Math.max(0, Math.min(move(job.top, seen, last), last)) } })
  }
  if (name === "escape" || name === "backspace") return keep({ ...model, job: undefined })
  return keep(model)
}

const onKey = (given: Model, name: string): Change => {
  // What has been read is out of the way with the next key.
  const model: Model = { ...given, message: undefined }
  if (name === "ctrl-c") return [model, { _tag: "Interrupt" }]
  if (name === "ctrl-z") return [model, { _tag: "Suspend" }]
  if (model.isHelp) return keep({ ...model, isHelp: false })
  if (model.question !== undefined) return answer(model, model.question, { _tag: "Key", name })
  if (name === "q") return [model, { _tag: "Quit" }]
  if (name === "?") return keep({ ...model, isHelp: true })
  const asked = ask(model, name)
  if (asked !== undefined) return keep(asked)
  if (model.job !== undefined) return onJob(model, name)
  return model.queue !== undefined ? onQueue(model, name) : onList(model, name)
}

const headOf = (queue: Model["queue"], detail: QueueDetail): string | undefined =>
  detail.head.some(({ id }) => id === queue?.selected) ? queue?.selected : detail.head[0]?.id

/** The model after an event, and the action that a key asks for. */
export const update = (model: Model, event: Event): Change => {
  switch (event._tag) {
    case "Key":
      return onKey(model, event.name)
    case "Paste":
      return model.question === undefined ? keep(model) : answer(model, model.question, event)
    case "Resized":
      return keep(sorted({ ...model, size: event.size }))
    case "Closed":
      return [model, { _tag: "Quit" }]
    case "Ticked":
      return keep({ ...model, now: event.now })
    case "Sampled":
      return keep(sampled(model, event.snapshot))
    case "Members":
      return keep({ ...model, members: event.members })
    case "QueueSeen": {
      const { queue } = model
      if (queue?.name !== event.name) return keep(model)
      const selected = headOf(queue, event.detail)
      return keep({ ...model, queue: { ...queue, detail: event.detail, selected } })
    }
    case "JobSeen":
      if (model.job?.id !== event.id) return keep(model)
      return keep({ ...model, job: { ...model.job, detail: event.detail } })
    case "Begun":
      return keep({ ...model, doing: [...model.doing, event.what] })
    case "Done": {
      const at = model.doing.indexOf(event.what)
      return keep({ ...model, doing: model.doing.filter((_, i) => i !== at), message: event.message })
    }
  }
}
