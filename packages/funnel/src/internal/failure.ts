/** What went wrong, in words: whatever it is, these functions give text and do not throw. */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"

// As much as a reader of a log or a letter wants; an error may hold a whole response.
const mostCharacters = 4000

const unreadable = "something that cannot be put into words"

const shorten = (text: string): string =>
  text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}… (${text.length} characters)`

/** Getters, proxies and `toString` of a user's may throw. */
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

/** An object as JSON, with what JSON does not have in words. */
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

/** What an error says: its message, or its tag, or what it holds. */
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

/** What kind of error it is, in a word. */
export const kindOf = (error: unknown): string =>
  typeof error === "object" && error !== null
    ? (property(error, "_tag") ?? property(error, "name") ?? "object")
    : typeof error

/**
 * A cause for a log: what failed in a sentence; what died with its stack traces, unless there were `more` since it was said. A
 * logger that is given the cause itself may stumble over what is in it.
 */
export const causeText = (cause: Cause.Cause<unknown>, more = ""): string =>
  Cause.isDie(cause) && more === ""
    ? shorten(attempt(() => Cause.pretty(cause, { renderErrorCause: true })) ?? textOf(squash(cause)))
    : `${textOf(squash(cause))}${more}`

/** What went wrong first in a cause. */
export const squash = (cause: Cause.Cause<unknown>): unknown => {
  try {
    return Cause.squash(cause)
  } catch {
    return new Error(unreadable)
  }
}
