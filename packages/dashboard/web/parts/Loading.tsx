/** What is shown while there is nothing to show. */
import type { ComponentChildren } from "preact"
import { Visible } from "./Visible.js"

export const Loading = () => (
  <p class="empty" role="status">
    Asking the cluster…
  </p>
)

export const Empty = ({ children, title }: { readonly title: string; readonly children?: ComponentChildren }) => (
  <div class="empty">
    <strong>{title}</strong>
    {children}
  </div>
)

/** Nodes that did not answer: their part is missing from what is shown. */
export const Missing = ({ failures }: { readonly failures: ReadonlyArray<{ node: string; message: string }> }) =>
  failures.length === 0 ? null : (
    <div class="notice warn">
      <strong>Not all nodes answered; what they have is missing here.</strong>
      <ul>
        {failures.map(({ message, node }) => (
          <li key={node}>
            <span class="mono">{node}</span> <Visible text={message} />
          </li>
        ))}
      </ul>
    </div>
  )

export const Failed = ({ message, retry }: { readonly message: string; readonly retry?: () => void }) => (
  <div class="notice bad" role="alert">
    <Visible text={message} />
    {retry !== undefined && (
      <button type="button" class="small" onClick={retry}>
        Try again
      </button>
    )}
  </div>
)
