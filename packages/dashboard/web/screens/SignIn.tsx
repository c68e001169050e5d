/** Asks for the password of the dashboard. */
import { useState } from "preact/hooks"
import { messageOf, signIn } from "../api.js"
import { Failed } from "../parts/Loading.js"

export const SignIn = () => {
  const [password, setPassword] = useState("")
  const [error, setError] = useState<string>()
  const [isRunning, setRunning] = useState(false)
  const submit = (event: Event) => {
    event.preventDefault()
    setRunning(true)
    signIn(password)
      .catch((error: unknown) => setError(messageOf(error)))
      .finally(() => {
        setPassword("")
        setRunning(false)
      })
  }
  return (
    <main id="main" class="alone" tabIndex={-1}>
      <h1>Sign in to Disco</h1>
      <p class="dim">This dashboard was started with a password, or your session has ended.</p>
      {error !== undefined && <Failed message={error} />}
      <form class="form" onSubmit={submit}>
        <label class="field">
          <span>Password</span>
          <input
            type="password"
            autocomplete="current-password"
            autofocus
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <div class="buttons">
          <button type="submit" class="primary" disabled={isRunning || password === ""}>
            {isRunning ? "Signing in…" : "Sign in"}
          </button>
        </div>
      </form>
    </main>
  )
}
