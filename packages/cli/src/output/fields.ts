/** The form of values in JSON that JSON itself has no form for. */
import * as Duration from "effect/Duration"
import * as Encoding from "effect/Encoding"
import * as Schema from "effect/Schema"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text of bytes that are UTF-8; undefined for others. */
export const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** The fields of a body: `body` as text if it is UTF-8, or else in base64. `encoding` says which. */
export const BodyFields = {
  body: Schema.String.annotations({ description: "The body, in the encoding that the field encoding names" }),
  encoding: Schema.Literal("text", "base64").annotations({ description: "text if the body is UTF-8, else base64" })
}

/** A body as these fields. */
export const body = (bytes: Uint8Array): { readonly body: string; readonly encoding: "text" | "base64" } => {
  const text = textOf(bytes)
  return text === undefined
    ? { body: Encoding.encodeBase64(bytes), encoding: "base64" }
    : { body: text, encoding: "text" }
}

/** A time in seconds, with a fraction. */
export const Seconds = Schema.Number.annotations({ description: "seconds" })

/** A time in milliseconds, with a fraction. */
export const Millis = Schema.Number.annotations({ description: "milliseconds" })

/** A count. */
export const Count = Schema.NonNegativeInt

/** A 64-bit integer, in digits: not every program reads such numbers exactly. */
export const Digits = Schema.BigInt

export const seconds = (time: Duration.DurationInput): number => Duration.toMillis(time) / 1000

export const millis = (time: Duration.DurationInput): number => Math.round(Duration.toMillis(time) * 1000) / 1000
