/** JSON as a tree that opens and closes. What is closed is not rendered, so a large document costs what is looked at. */
import { useState } from "preact/hooks"
import { count } from "../format.js"
import { Visible } from "./Visible.js"

/** A number that a double cannot hold, by its digits. */
class Digits {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

type Context = { readonly source?: string } | undefined

/** Keeps the digits of numbers, in browsers that show them (ECMAScript's JSON.parse source text access). */
const exact = (_key: string, value: unknown, context?: Context): unknown =>
  typeof value === "number" && context?.source !== undefined && !isSame(value, context.source)
    ? new Digits(context.source)
    : value

const isSame = (value: number, source: string): boolean =>
  Number.isSafeInteger(value) || (!/^-?\d+$/.test(source) && Number.isFinite(value) && source.length <= 17)

/** The document in a text, if the text is an object or an array. */
export const readJson = (text: string): { readonly value: unknown } | undefined => {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return { value: JSON.parse(text, exact) }
  } catch (error) {
    if (!(error instanceof RangeError)) return undefined
  }
  try {
    return { value: JSON.parse(text) } // nested too deep for a function that looks at each value
  } catch {
    return undefined
  }
}

const step = 100

const isOpenAtFirst = (depth: number, size: number): boolean => depth === 0 || (depth < 3 && size <= 20)

const Scalar = ({ value }: { readonly value: unknown }) => {
  const [isWhole, setWhole] = useState(false)
  if (typeof value === "string") {
    const most = 2000
    const shown = isWhole || value.length <= most ? value : value.slice(0, most)
    return (
      <span class="json-string">
        "<Visible text={shown} />"
        {shown.length < value.length && (
          <button type="button" class="more" onClick={() => setWhole(true)}>
            {count(value.length - shown.length)} more characters
          </button>
        )}
      </span>
    )
  }
  if (value instanceof Digits) return <span class="json-number">{value.source}</span>
  return <span class={typeof value === "number" ? "json-number" : "json-word"}>{String(value)}</span>
}

interface NodeProps {
  readonly name?: string
  readonly value: unknown
  readonly depth: number
}

const isBranch = (value: unknown): value is Record<string, unknown> | ReadonlyArray<unknown> =>
  typeof value === "object" && value !== null && !(value instanceof Digits)

const Label = ({ name }: { readonly name: string | undefined }) =>
  name === undefined ? null : (
    <>
      <span class="json-key">
        <Visible text={name} />
      </span>
      <span class="dim">: </span>
    </>
  )

const Branch = ({
  depth,
  name,
  value
}: NodeProps & { readonly value: Record<string, unknown> | ReadonlyArray<unknown> }) => {
  const isList = Array.isArray(value)
  const keys = isList ? undefined : Object.keys(value)
  const total = isList ? value.length : (keys?.length ?? 0)
  const [isOpen, setOpen] = useState(isOpenAtFirst(depth, total))
  const [shown, setShown] = useState(step)
  const [before, after] = isList ? ["[", "]"] : ["{", "}"]
  const summary = isList
    ? `${count(total)} ${total === 1 ? "item" : "items"}`
    : `${count(total)} ${total === 1 ? "key" : "keys"}`
  if (total === 0) {
    return (
      <li>
        <Label name={name} />
        {before}
        {after}
      </li>
    )
  }
  const child = (i: number) => {
    const key = keys?.[i]
    return (
      <JsonNode
        key={i}
        {...(key === undefined ? {} : { name: key })}
        value={key === undefined ? (value as ReadonlyArray<unknown>)[i] : (value as Record<string, unknown>)[key]}
        depth={depth + 1}
      />
    )
  }
  return (
    <li>
      <button type="button" class="json-toggle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class="chevron" aria-hidden="true" />
        <Label name={name} />
        {before}
        {isOpen ? "" : "…"}
        {isOpen ? "" : after} <span class="dim">{summary}</span>
      </button>
      {isOpen && (
        <>
          <ul>{Array.from({ length: Math.min(shown, total) }, (_, i) => child(i))}</ul>
          {shown < total && (
            <button type="button" class="more" onClick={() => setShown(shown + step * 5)}>
              Show more ({count(total - shown)} left)
            </button>
          )}
          <span>{after}</span>
        </>
      )}
    </li>
  )
}

const JsonNode = ({ depth, name, value }: NodeProps) =>
  isBranch(value) ? (
    <Branch depth={depth} {...(name === undefined ? {} : { name })} value={value} />
  ) : (
    <li>
      <Label name={name} />
      <Scalar value={value} />
    </li>
  )

export const JsonTree = ({ label = "Body as JSON", value }: { readonly value: unknown; readonly label?: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard is to reach it.
  <section class="json" tabIndex={0} aria-label={label}>
    <ul>
      <JsonNode value={value} depth={0} />
    </ul>
  </section>
)
