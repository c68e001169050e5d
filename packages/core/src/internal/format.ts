/** How payloads are written into bodies and read from them, between a schema's encoded side and bytes. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

type Parsed<A> = Either.Either<A, ParseResult.ParseError>

const refuse = (actual: unknown, message: string): Parsed<never> =>
  Either.left(ParseResult.parseError(new ParseResult.Type(Schema.Unknown.ast, actual, message)))

const withoutMark = new TextDecoder("utf-8", { fatal: true })
const withMark = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const readText = (decoder: TextDecoder, body: Uint8Array): Parsed<string> => {
  try {
    return Either.right(decoder.decode(body))
  } catch {
    return refuse(body, "the body is no text in UTF-8")
  }
}

/** Reads a body that is text. */
export const fromText = (body: Uint8Array): Parsed<string> => readText(withMark, body)

/** Writes text, which has to be well-formed: encoding would replace half of a surrogate pair. */
export const toText = (text: unknown): Parsed<string> => {
  if (typeof text !== "string") return refuse(text, "the payload is encoded to no text")
  return /\p{Surrogate}/u.test(text) ? refuse(text, "the text has half of a surrogate pair") : Either.right(text)
}

/** Reads a body that is JSON. */
export const fromJson = (body: Uint8Array): Parsed<unknown> => {
  const text = readText(withoutMark, body)
  if (Either.isLeft(text)) return Either.left(text.left)
  try {
    return Either.right<unknown>(JSON.parse(text.right))
  } catch (error) {
    return refuse(text.right, error instanceof Error ? error.message : String(error))
  }
}

// JSON.stringify writes null for these, and nobody would know.
const finite = (_: string, value: unknown): unknown => {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`)
  return value
}

/** Writes JSON. */
export const toJson = (value: unknown): Parsed<string> => {
  try {
    const text: string | undefined = JSON.stringify(value, finite)
    return text === undefined ? refuse(value, `JSON has no ${typeof value}`) : Either.right(text)
  } catch (error) {
    return refuse(value, error instanceof Error ? error.message : String(error))
  }
}

/** Takes bytes for a body. */
export const toBytes = (bytes: unknown): Parsed<Uint8Array> =>
  bytes instanceof Uint8Array ? Either.right(bytes) : refuse(bytes, "the payload is encoded to no Uint8Array")
