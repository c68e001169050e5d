/** Text of somebody else, as it is: nothing in it is hidden, and none of it changes the direction of what is around it. */
import { cut, pieces, printable } from "../text.js"

export const Visible = ({ keep, text }: { readonly text: string; readonly keep?: string }) => (
  <bdi>
    {pieces(text, keep).map((piece) => (piece.isCode ? <span class="code-point">{piece.text}</span> : piece.text))}
  </bdi>
)

/** A name that may be too long for its place: the title has all of it. */
export const Name = ({ most = 120, text }: { readonly text: string; readonly most?: number }) => (
  <span class="name" title={printable(cut(text, 500))}>
    {text === "" ? <i class="dim">(empty)</i> : <Visible text={cut(text, most)} />}
  </span>
)
