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

/** The trace of a span, as W3C writes it; undefined if the ids of the tracer have another form. */
const traceparent = (span: Tracer.AnySpan): string | undefined => {
  const text = `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`
  return pattern.test(text) ? text : undefined
}

/** Writes a payload that is JSON already: in an envelope with the span if there is a span, or else plain. */
export const wrap = (payload: unknown, json: string, span: Tracer.AnySpan | undefined): string => {
  const trace = span === undefined ? undefined : traceparent(span)
  if (trace !== undefined) return `{"$disco":"${mark}","traceparent":"${trace}","payload":${json}}`
  // A payload that looks like an envelope is put into an envelope. Otherwise a reader would take the payload for one.
  return isEnvelope(payload) ? `{"$disco":"${mark}","payload":${json}}` : json
}

/** Reads a body: an envelope, or a plain payload. */
export const open = (value: unknown): Opened =>
  isEnvelope(value)
    ? { payload: value.payload, trace: readTrace(value.traceparent) }
    : { payload: value, trace: undefined }
