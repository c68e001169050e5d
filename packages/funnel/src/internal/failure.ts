/** Turns any failure into text. These functions do not throw, whatever the failure is. */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"

// Enough for a reader of a log or a letter: an error may hold a whole response.
const mostCharacters = 4000

const unreadable = "something that cannot be put into words"

const shorten = (text: string): string =>
  text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}… (${text.length} characters)`

/** Reads a text; undefined if that throws, as getters, proxies and `toString` of a user may. */
const attempt = (read: () => string | undefined): string | undefined => {
  try {
    const text: unknown = read()
    return typeof text === "string" && text !== "" ? text : undefined
  } catch {
    return undefined
  }
}

export const isError = (value: unknown): boolean => {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

const property = (error: object, name: string): string | undefined =>
  attempt(() => {
    const value: unknown = Reflect.get(error, name)
    return typeof value === "string" ? value : undefined
  })

/** An object as JSON. Values that JSON does not have become words. */
export const json = (value: object): string | undefined =>
  attempt(() => {
    const ancestors: Array<unknown> = []
    return JSON.stringify(value, function (this: unknown, _key, inner: unknown) {
      if (typeof inner === "bigint") return `${inner}n`
      if (typeof inner !== "object" || inner === null) return inner
      while (ancestors.length > 0 && ancestors[ancestors.length - 1] !== this) ancestors.pop()
      if (ancestors.includes(inner)) return "[circular]"
      ancestors.push(inner)
      return Inspectable.redact(inner)
    })
  })

/** The text of an error: its message, or its tag, or its contents. */
export const textOf = (error: unknown): string => {
  if (typeof error === "string") return shorten(error)
  if (typeof error === "function" || typeof error !== "object" || error === null) {
    return shorten(attempt(() => String(error)) ?? unreadable)
  }
  const said = property(error, "message") ?? property(error, "_tag")
  if (said !== undefined) return shorten(said)
  const name = isError(error) ? property(error, "name") : undefined
  return shorten(name ?? json(error) ?? attempt(() => String(error)) ?? unreadable)
}

/** The kind of an error, in a word. */
export const kindOf = (error: unknown): string =>
  typeof error === "object" && error !== null
    ? (property(error, "_tag") ?? property(error, "name") ?? "object")
    : typeof error

/**
 * A cause as text for the log: a sentence for a failure, stack traces for a defect. If `more` is not empty, the traces were logged before
 * and are left out. The log gets text because a logger may fail on a cause with strange contents.
 */
export const causeText = (cause: Cause.Cause<unknown>, more = ""): string =>
  Cause.isDie(cause) && more === ""
    ? shorten(attempt(() => Cause.pretty(cause, { renderErrorCause: true })) ?? textOf(squash(cause)))
    : `${textOf(squash(cause))}${more}`

/** The first error of a cause. */
export const squash = (cause: Cause.Cause<unknown>): unknown => {
  try {
    return Cause.squash(cause)
  } catch {
    return new Error(unreadable)
  }
}
