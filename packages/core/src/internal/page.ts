/** Pages of QSCAN and JSCAN. */

import * as Reply from "../Reply.js"
import * as input from "./input.js"
import { quote } from "./text.js"

/**
 * A page of a scan.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page<out A> {
  /** The node that was asked. Only the same node can give the next page. */
  readonly node: string
  /** Where the next page begins; `0` if this page is the last one. A page before the last may be empty. */
  readonly cursor: string
  readonly items: ReadonlyArray<A>
}

/** The first cursor, and the one after the last page. */
export const start = "0"

const cursorForm = /^\d{1,20}$/

const readNext: Reply.Reader<string> = (reply) => {
  const cursor = Reply.text(reply)
  if (cursorForm.test(cursor)) return cursor
  throw new Reply.Mismatch({ expected: "a cursor", actual: quote(cursor) })
}

/** Reads a page. */
export const readPage =
  <A>(item: Reply.Reader<A>) =>
  (reply: Reply.Reply, node: string): Page<A> => {
    const parts = Reply.tuple(2)(reply)
    return { node, cursor: Reply.at(parts, 0, readNext), items: Reply.at(parts, 1, Reply.array(item)) }
  }

/** A cursor, as a page gave it. */
export const readCursor = (subject: string, cursor: string): string =>
  input.matching(subject, "cursor", cursor, cursorForm, "the cursor of a page")
