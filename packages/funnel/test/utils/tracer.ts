import { Layer, Option, Tracer } from "effect"

/** A tracer that keeps the spans that are made. */
export const makeTracer = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const span = {
        _tag: "Span" as const,
        name,
        parent,
        context,
        links,
        kind,
        spanId: `${spans.length + 1}`.padStart(16, "0"),
        traceId: Option.match(parent, {
          onNone: () => `${spans.length + 1}`.padStart(32, "0"),
          onSome: ({ traceId }) => traceId
        }),
        sampled: true,
        status: { _tag: "Started" as const, startTime },
        attributes: new Map<string, unknown>(),
        attribute: (key: string, value: unknown) => {
          span.attributes.set(key, value)
        },
        end: () => {},
        event: () => {},
        addLinks: () => {}
      }
      spans.push(span)
      return span
    },
    context: (f) => f()
  })
  return { spans, layer: Layer.setTracer(tracer) }
}
