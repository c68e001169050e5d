/** The envelope that carries a trace beside a payload: `{"$disco":"traced","traceparent":"00-…","payload":…}`. */
import * as Tracer from "effect/Tracer"

const mark = "traced"

/** What a body holds. */
export interface Opened {
  readonly payload: unknown
  /** The span that the job was added in. */
  readonly trace: Tracer.ExternalSpan | undefined
}

const isEnvelope = (value: unknown): value is { readonly payload: unknown; readonly traceparent?: unknown } =>
  typeof value === "object" &&
  value !== null &&
  Object.hasOwn(value, "$disco") &&
  (value as { readonly $disco: unknown }).$disco === mark &&
  Object.hasOwn(value, "payload")

const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

const readTrace = (traceparent: unknown): Tracer.ExternalSpan | undefined => {
  const found = typeof traceparent === "string" ? pattern.exec(traceparent) : null
  if (found === null) return undefined
  const [, traceId = "", spanId = "", flags = ""] = found
  return Tracer.externalSpan({ traceId, spanId, sampled: Number.parseInt(flags, 16) % 2 === 1 })
}

/** The trace of a span, as W3C writes it; none where a tracer has ids of another form. */
const traceparent = (span: Tracer.AnySpan): string | undefined => {
  const text = `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`
  return pattern.test(text) ? text : undefined
}

/** Writes a payload that is JSON already, with the span where there is one, and plain where there is none. */
export const wrap = (payload: unknown, json: string, span: Tracer.AnySpan | undefined): string => {
  const trace = span === undefined ? undefined : traceparent(span)
  if (trace !== undefined) return `{"$disco":"${mark}","traceparent":"${trace}","payload":${json}}`
  // A payload that looks like an envelope is put into one, or it would be taken for one.
  return isEnvelope(payload) ? `{"$disco":"${mark}","payload":${json}}` : json
}

/** Reads an envelope, or what is none. */
export const open = (value: unknown): Opened =>
  isEnvelope(value)
    ? { payload: value.payload, trace: readTrace(value.traceparent) }
    : { payload: value, trace: undefined }
