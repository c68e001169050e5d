/** An answer that is asked for, as opposed to pushed: when the screen opens, and when the viewer says so. */
import { useCallback, useEffect, useState } from "preact/hooks"
import { ask, messageOf, type Params } from "../api.js"

export interface Answer<A> {
  readonly data: A | undefined
  readonly error: string | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

/** What was known stays until the new answer is there. */
export const useAnswer = <A>(path: string, params: Params): Answer<A> => {
  const [state, setState] = useState<Omit<Answer<A>, "reload">>({ data: undefined, error: undefined, isLoading: true })
  const [turn, setTurn] = useState(0)
  const key = JSON.stringify(params)
  useEffect(() => {
    const abort = new AbortController()
    setState((before) => ({ ...before, isLoading: true }))
    ask<A>(path, params, abort.signal).then(
      (data) => abort.signal.aborted || setState({ data, error: undefined, isLoading: false }),
      (error: unknown) =>
        abort.signal.aborted || setState((before) => ({ ...before, error: messageOf(error), isLoading: false }))
    )
    return () => abort.abort()
  }, [path, key, turn])
  const reload = useCallback(() => setTurn((before) => before + 1), [])
  return { ...state, reload }
}
