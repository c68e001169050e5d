/** The whole screen of a terminal, for a program that draws it and reads keys. */
import type { Input } from "./keys.js"
import type { Picture, Size } from "./paint.js"

export type ScreenEvent =
  | Input
  | { readonly _tag: "Resized"; readonly size: Size }
  /** The terminal is gone. */
  | { readonly _tag: "Closed" }

export interface Screen {
  readonly size: () => Size
  readonly hasColor: boolean
  /** Shows a picture in place of the one before. While the terminal is slow, pictures are left out, and the last one is shown. */
  readonly show: (picture: Picture) => void
  /** Gives the terminal back and stops the process, as Ctrl-Z does, until the shell lets it go on. */
  readonly suspend: () => void
  /** What Ctrl-C does where no program reads keys. */
  readonly interrupt: () => void
}
