/** What `JSON.stringify` makes of results: 64-bit integers, maps and bytes are nothing that JSON knows. */
import * as Encoding from "effect/Encoding"
import * as Inspectable from "effect/Inspectable"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const fromBytes = (bytes: Uint8Array): unknown => {
  try {
    return decoder.decode(bytes)
  } catch {
    return { base64: Encoding.encodeBase64(bytes) }
  }
}

/** A value for JSON: a `bigint` as its digits, bytes as text, or as `{ base64 }` where they are none. */
const toJson = (value: unknown): unknown => {
  if (typeof value === "bigint") return String(value)
  if (value instanceof Uint8Array) return fromBytes(value)
  return Array.isArray(value) ? value.map(toJson) : Inspectable.toJSON(value)
}

const ofEntries = (entries: Iterable<readonly [string, unknown]>): object =>
  Object.fromEntries(Array.from(entries, ([name, value]) => [name, toJson(value)]))

/** A map by name, whose JSON is an object. */
export class JsonMap<A> extends Map<string, A> {
  toJSON(): unknown {
    return ofEntries(this)
  }
}

class Shown {
  toJSON(): unknown {
    return ofEntries(Object.entries(this))
  }
}

/** The same fields, in an object that JSON can hold. */
export const shown = <A extends object>(fields: A): A => Object.assign(new Shown(), fields)

/** The same items; where JSON cannot hold them as they are, it gets them as `shown` would. */
export const shownItems = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> =>
  items.some((item) => typeof item === "bigint" || item instanceof Uint8Array)
    ? Object.defineProperty(items, "toJSON", { value: () => items.map(toJson) })
    : items
