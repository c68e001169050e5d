/** What `JSON.stringify` makes of results: 64-bit integers, maps and bytes are nothing that JSON knows. */
import * as Encoding from "effect/Encoding"
import * as Predicate from "effect/Predicate"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const fromBytes = (bytes: Uint8Array): unknown => {
  try {
    return decoder.decode(bytes)
  } catch {
    return { base64: Encoding.encodeBase64(bytes) }
  }
}

const fromObject = (value: object, above: ReadonlyArray<object>): unknown => {
  if (value instanceof Uint8Array) return fromBytes(value)
  if (above.includes(value)) return "[circular]"
  const within = (inner: unknown) => convert(inner, [...above, value])
  if (Predicate.hasProperty(value, "toJSON") && Predicate.isFunction(value.toJSON)) return within(value.toJSON())
  if (Array.isArray(value)) return value.map(within)
  if (value instanceof Set) return Array.from(value, within)
  if (value instanceof Map) {
    const entries = Array.from(value, ([name, item]) => [within(name), within(item)] as const)
    return entries.every(([name]) => typeof name === "string") ? Object.fromEntries(entries) : entries
  }
  const fields = Object.entries(value).map(([name, item]) => [name, within(item)])
  if (value instanceof Error) fields.unshift(["name", value.name], ["message", value.message])
  return Object.fromEntries(fields)
}

const convert = (value: unknown, above: ReadonlyArray<object>): unknown => {
  if (typeof value === "bigint") return String(value)
  return typeof value === "object" && value !== null ? fromObject(value, above) : value
}

/**
 * Makes a value that `JSON.stringify` accepts. A `bigint` becomes its digits. Bytes become text, or `{ base64 }` if they are not UTF-8. A
 * `Map` becomes an object, or its entries if its keys are not text. A `Set` becomes an array, and an error has its message.
 */
export const toJson = (value: unknown): unknown => {
  try {
    return convert(value, [])
  } catch {
    // A handler may fail with an object that throws when a property of it is read.
    return "[unreadable]"
  }
}

const ofEntries = (entries: Iterable<readonly [string, unknown]>): object =>
  Object.fromEntries(Array.from(entries, ([name, value]) => [name, toJson(value)]))

/** A map by name, whose JSON is an object. */
export class JsonMap<A> extends Map<string, A> {
  toJSON(): unknown {
    return ofEntries(this)
  }
}

class WithJson {
  toJSON(): unknown {
    return ofEntries(Object.entries(this))
  }
}

/** The same fields, in an object that JSON can hold. */
export const withJson = <A extends object>(fields: A): A => Object.assign(new WithJson(), fields)

/** The same items. If JSON cannot hold them as they are, they are converted as `withJson` does. */
export const itemsWithJson = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> =>
  items.some((item) => typeof item === "bigint" || item instanceof Uint8Array)
    ? Object.defineProperty(items, "toJSON", { value: () => items.map(toJson) })
    : items
