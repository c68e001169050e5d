/** The body of a job as the server gave it: all of it, its beginning, or nothing. */
import { useMemo } from "preact/hooks"
import type { Body as BodyFields } from "../../src/api/values.js"
import { size } from "../format.js"
import { Body } from "./Body.js"

const bytesOf = (encoding: "text" | "base64", content: string): Uint8Array =>
  encoding === "text" ? new TextEncoder().encode(content) : Uint8Array.from(atob(content), (char) => char.charCodeAt(0))

interface Props {
  readonly body: BodyFields
  /** The payload as JSON, where the program decodes it. */
  readonly decoded?: string | undefined
}

export const Content = ({ body: { bytes: length, content, encoding, isCut }, decoded }: Props) => {
  const bytes = useMemo(() => (content === null ? undefined : bytesOf(encoding, content)), [content, encoding])
  return bytes === undefined ? (
    <p class="dim">This dashboard hides payloads. The body has {size(length)}.</p>
  ) : (
    <Body bytes={bytes} length={length} isCut={isCut} decoded={decoded} />
  )
}
