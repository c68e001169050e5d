/** What is expected of a value, and where the value differs. */
import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Inspectable from "effect/Inspectable"

/**
 * A part of a value: of objects, some of their members, at any depth. Of arrays, all items.
 *
 * @since 0.1.0
 * @category models
 */
export type Part<A> =
  A extends ReadonlyArray<infer Item>
    ? ReadonlyArray<Part<Item>>
    : A extends (...args: ReadonlyArray<never>) => unknown
      ? A
      : A extends object
        ? { readonly [K in keyof A]?: Part<A[K]> }
        : A

/** A value in one line. */
export const show = (value: unknown): string => {
  if (Duration.isDuration(value)) return Duration.format(value)
  if (typeof value === "string") return JSON.stringify(value)
  if (value instanceof Uint8Array) return `bytes [${value.join(" ")}]`
  return Inspectable.stringifyCircular(value) ?? String(value)
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))

const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b) || Equal.equals(a, b)) return true
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, i) => byte === b[i])
  return false
}

/** Where a value differs from what is expected of it, a line for each place. `path` is the name of the value. */
export const differences = (expected: unknown, actual: unknown, path: string): ReadonlyArray<string> => {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length =
      expected.length === actual.length ? [] : [`${path} has ${actual.length} items, expected ${expected.length}`]
    return [
      ...length,
      ...expected.flatMap((item, i) => (i < actual.length ? differences(item, actual[i], `${path}[${i}]`) : []))
    ]
  }
  // A class may hold its members where none can be seen; a plain object says which of them matter.
  if (isPlain(expected) && typeof actual === "object" && actual !== null && !Equal.equals(expected, actual)) {
    return Object.entries(expected).flatMap(([key, value]) =>
      differences(value, Reflect.get(actual, key), path === "" ? key : `${path}.${key}`)
    )
  }
  return isSame(expected, actual) ? [] : [`${path} is ${show(actual)}, expected ${show(expected)}`]
}
