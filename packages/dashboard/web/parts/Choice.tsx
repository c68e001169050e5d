/** A choice of a few, of which one holds. */
import type { ComponentChildren } from "preact"

interface Props<A> {
  readonly label: string
  readonly options: ReadonlyArray<readonly [A, ComponentChildren]>
  readonly value: A
  readonly onChange: (value: A) => void
  readonly place?: string
}

export const Choice = <A extends string | number | undefined>({
  label,
  onChange,
  options,
  place = "",
  value
}: Props<A>) => (
  <fieldset class={`segmented ${place}`}>
    <legend class="hidden-text">{label}</legend>
    {options.map(([each, text]) => (
      <button key={String(each)} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
        {text}
      </button>
    ))}
  </fieldset>
)
