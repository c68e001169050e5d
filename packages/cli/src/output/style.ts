/** How text may look where it is shown. */

/** What a text is written for. */
export interface Style {
  /** How many columns there are: infinitely many where no terminal is. */
  readonly columns: number
  readonly hasColor: boolean
}

export type Paint = (text: string) => string

export interface Paints {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly cyan: Paint
}

const esc = String.fromCharCode(0x1b)

const code =
  (on: number, off: number): Paint =>
  (text) =>
    text === "" ? text : `${esc}[${on}m${text}${esc}[${off}m`

const same: Paint = (text) => text

const colored: Paints = {
  bold: code(1, 22),
  dim: code(2, 22),
  red: code(31, 39),
  green: code(32, 39),
  yellow: code(33, 39),
  cyan: code(36, 39)
}

const uncolored: Paints = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same }

/** What colors a text, or leaves it as it is where there are no colors. */
export const paints = ({ hasColor }: Pick<Style, "hasColor">): Paints => (hasColor ? colored : uncolored)
