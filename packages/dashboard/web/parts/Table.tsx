/** A table: what its columns are called, and what they hold of each row. */
import type { ComponentChildren } from "preact"

interface Column<A> {
  readonly head: string
  /** Of the head and of each cell: alignment, width, and from which width of the screen on it is shown. */
  readonly look?: string
  /** What is shown when the mouse rests on the cell. */
  readonly title?: (row: A) => string
  readonly cell: (row: A) => ComponentChildren
}

/** The first one names the row. */
export type Columns<A> = readonly [Column<A>, ...Array<Column<A>>]

interface Props<A> {
  readonly label: string
  readonly look: string
  readonly columns: Columns<A>
  readonly rows: ReadonlyArray<A>
  readonly keyOf: (row: A) => string
}

export const Table = <A,>({ columns, keyOf, label, look, rows }: Props<A>) => {
  const [name, ...others] = columns
  return (
    <table class={look} aria-label={label}>
      <thead>
        <tr>
          {columns.map(({ head, look }) => (
            <th key={head} scope="col" class={look}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} class="row">
            <th scope="row" class={`row-head ${name.look ?? ""}`} title={name.title?.(row)}>
              {name.cell(row)}
            </th>
            {others.map(({ cell, head, look, title }) => (
              <td key={head} class={look} title={title?.(row)}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
