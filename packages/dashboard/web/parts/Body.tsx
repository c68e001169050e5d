/** The body of a job: as JSON, as text, or byte for byte. Never as HTML. */
import { useMemo, useState } from "preact/hooks"
import { count, size } from "../format.js"
import { Choice } from "./Choice.js"
import { CopyButton } from "./Copy.js"
import { JsonTree, readJson } from "./Json.js"
import { Visible } from "./Visible.js"

type Form = "decoded" | "json" | "text" | "hex"

const forms = { decoded: "Decoded", json: "JSON", text: "Text", hex: "Hex" } as const

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** A part of something long, and a button for more of it. */
const useMore = (total: number, step: number) => {
  const [shown, setShown] = useState(step)
  const more =
    shown < total ? (
      <button type="button" class="more" onClick={() => setShown(shown + step * 4)}>
        Show more ({count(total - shown)} left)
      </button>
    ) : null
  return { shown, more }
}

const Text = ({ text }: { readonly text: string }) => {
  const { more, shown } = useMore(text.length, 16_384)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard is to reach it. */}
      <pre class="body-text" tabIndex={0}>
        <Visible text={text.slice(0, shown)} keep={"\n\t"} />
      </pre>
      {more}
    </>
  )
}

const bytesInRow = 16

const hex = (byte: number): string => byte.toString(16).padStart(2, "0")

const hexLine = (bytes: Uint8Array, at: number): string => {
  const row = Array.from(bytes.subarray(at, at + bytesInRow))
  const left = row.slice(0, 8).map(hex).join(" ")
  const right = row.slice(8).map(hex).join(" ")
  const chars = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("")
  return `${at.toString(16).padStart(8, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${chars}`
}

const Hex = ({ bytes }: { readonly bytes: Uint8Array }) => {
  const { more, shown } = useMore(bytes.length, 4096)
  const lines: Array<string> = []
  for (let at = 0; at < Math.min(shown, bytes.length); at += bytesInRow) lines.push(hexLine(bytes, at))
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard is to reach it. */}
      <pre class="body-hex" tabIndex={0}>
        {lines.join("\n")}
      </pre>
      {more}
    </>
  )
}

interface Props {
  readonly bytes: Uint8Array
  /** The whole length, if `bytes` are only the beginning. */
  readonly length: number
  readonly isCut: boolean
  /** The payload as JSON, where the program decodes it. */
  readonly decoded?: string | undefined
}

export const Body = ({ bytes, decoded, isCut, length }: Props) => {
  const text = useMemo(() => textOf(bytes), [bytes])
  const json = useMemo(() => (text === undefined || isCut ? undefined : readJson(text)), [text, isCut])
  // A payload may be any JSON, and not only an object or an array.
  const payload = useMemo(() => (decoded === undefined ? undefined : readJson(`[${decoded}]`)), [decoded])
  const [chosen, setChosen] = useState<Form>()
  if (length === 0) return <p class="dim">The body is empty.</p>
  const possible = ([payload && "decoded", json && "json", text === undefined ? text : "text", "hex"] as const).filter(
    (form) => form !== undefined
  )
  const form = chosen !== undefined && possible.includes(chosen) ? chosen : (possible[0] ?? "hex")
  return (
    <div class="body">
      <div class="body-bar">
        <Choice
          label="Show the body as"
          value={form}
          options={possible.map((each) => [each, forms[each]] as const)}
          onChange={setChosen}
        />
        <span class="dim">
          {size(length)}
          {text === undefined ? ", not UTF-8" : ""}
        </span>
        <span class="push">{text !== undefined && <CopyButton text={text} label="Copy the body" />}</span>
      </div>
      {form === "decoded" && payload !== undefined ? (
        <JsonTree value={(payload.value as ReadonlyArray<unknown>)[0]} label="Payload" />
      ) : form === "json" && json !== undefined ? (
        <JsonTree value={json.value} />
      ) : form === "text" && text !== undefined ? (
        <Text text={text} />
      ) : (
        <Hex bytes={bytes} />
      )}
    </div>
  )
}
