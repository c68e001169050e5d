/** Figures of one thing, side by side. */
import type { ComponentChildren } from "preact"

export interface Figure {
  readonly label: string
  readonly value: ComponentChildren
  readonly note?: ComponentChildren
  readonly tone?: string | undefined
}

export const Tiles = ({ figures, label }: { readonly figures: ReadonlyArray<Figure>; readonly label: string }) => (
  <dl class="tiles" aria-label={label}>
    {figures.map(({ label, note, tone = "", value }) => (
      <div key={label} class="tile">
        <dt>{label}</dt>
        <dd class={tone}>
          <span>{value}</span> {note !== undefined && <small>{note}</small>}
        </dd>
      </div>
    ))}
  </dl>
)

/** Pairs of a word and what it stands for. */
export const Pairs = ({ rows }: { readonly rows: ReadonlyArray<readonly [string, ComponentChildren]> }) => (
  <dl class="pairs">
    {rows.map(([label, value]) => (
      <>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </>
    ))}
  </dl>
)

/** A share of a whole, as a bar. */
export const Meter = ({ label, share }: { readonly share: number; readonly label: string }) => (
  <div class="meter" role="img" aria-label={label}>
    <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect width={Math.max(0, Math.min(1, share)) * 100} height="6" />
    </svg>
  </div>
)
