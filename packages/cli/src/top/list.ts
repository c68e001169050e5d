/** The list of queues: its rows, and the cursor on them. */
import { listRows } from "./layout.js"
import type { Model } from "./model.js"
import * as rows from "./rows.js"

/** Where the cursor is, from 0; -1 if it is on no row. */
export const indexOf = ({ cursor, rows }: Model): number =>
  rows.findIndex(({ queue }) => queue.name === cursor.selected)

/** Puts the cursor on its row, wherever that has gone, or else on the row at `index`, and makes sure that it is seen. */
const follow = (model: Model, index: number): Model => {
  const { cursor, rows, size } = model
  const found = indexOf(model)
  const at = found >= 0 ? found : Math.max(0, Math.min(index, rows.length - 1))
  const seen = listRows(size)
  const least = Math.max(0, at - seen + 1)
  const most = Math.min(at, Math.max(0, rows.length - seen))
  return { ...model, cursor: { selected: rows[at]?.queue.name, top: Math.max(least, Math.min(cursor.top, most)) } }
}

/** Makes the rows anew. */
export const sorted = (model: Model): Model =>
  follow({ ...model, rows: rows.make(model.snapshot?.queues ?? [], model.filter, model.sort) }, indexOf(model))

export const withFilter = (model: Model, filter: string): Model => sorted({ ...model, filter })

/** Puts the cursor on the row at `index`, or the nearest one. */
export const select = (model: Model, index: number): Model => {
  const row = model.rows[Math.max(0, Math.min(index, model.rows.length - 1))]
  return follow({ ...model, cursor: { ...model.cursor, selected: row?.queue.name } }, 0)
}
