/** The timeline of a job, for people. */
import type { Event } from "@disco/core/internal"
import * as DateTime from "effect/DateTime"
import { age } from "../output/format.js"
import { paints, type Style } from "../output/style.js"
import { pad, width } from "../output/text.js"
import { wrap } from "../wrap.js"

/** A time of day as people read it, in UTC: 2026-11-28 08:20:01. */
const clock = (millis: number): string => DateTime.formatIso(DateTime.unsafeMake(millis)).slice(0, 19).replace("T", " ")

const when = ({ inMillis }: Event): string => {
  const time = age(Math.abs(inMillis))
  return inMillis <= 0 ? `${time} ago` : `in ${time}`
}

/** In lines: when, how long ago or until then, and what. Where there is no room, what happens stands in lines of its own. */
export const timeline = (events: ReadonlyArray<Event>, style: Style): ReadonlyArray<string> => {
  const { dim } = paints(style)
  const relative = events.map(when)
  const most = relative.reduce((widest, text) => Math.max(widest, width(text)), 0)
  return events.flatMap((event, i) => {
    const time = clock(event.at)
    const ago = relative[i] ?? ""
    const text = event.inMillis > 0 ? dim : (text: string) => text
    if (width(`${time}  ${event.text}`) + most + 2 <= style.columns) {
      return [`${dim(time)}  ${pad(ago, most)}  ${text(event.text)}`]
    }
    return [`${dim(time)}  ${ago}`, ...wrap(`  ${event.text}`, style.columns).split("\n").map(text)]
  })
}
