/** What the page asks of its server, and what it tells it to change. */
import { signal } from "@preact/signals"
import type { Session } from "../src/api/session.js"
import type { NodeProblem } from "../src/api/values.js"

/** Who looks, and what they may do; undefined before the first answer. */
export const session = signal<Session | undefined>(undefined)

export type Params = Readonly<Record<string, string | number | undefined>>

/** An answer that is an error. `tag` is `Network` if there was no answer. */
export class Refusal extends Error {
  readonly tag: string
  readonly reason: string | undefined
  readonly done: ReadonlyArray<string>
  readonly failures: ReadonlyArray<NodeProblem>
  constructor(tag: string, message: string, more: Partial<Pick<Refusal, "reason" | "done" | "failures">> = {}) {
    super(message)
    this.tag = tag
    this.reason = more.reason
    this.done = more.done ?? []
    this.failures = more.failures ?? []
  }
}

/** The message of whatever a call failed with. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The address of an answer, relative to the page. */
export const address = (path: string, params: Params = {}): string => {
  const given = Object.entries(params).flatMap(([key, value]) =>
    value === undefined || value === "" ? [] : [[key, String(value)]]
  )
  return `./api/${path}${given.length === 0 ? "" : `?${new URLSearchParams(given)}`}`
}

const refusalOf = async (response: Response): Promise<Refusal> => {
  const body: unknown = await response.json().catch(() => null)
  const fields = (typeof body === "object" && body !== null ? body : {}) as {
    readonly _tag?: string
    readonly message?: string
  } & Partial<Pick<Refusal, "reason" | "done" | "failures">>
  return new Refusal(
    fields._tag ?? `HTTP ${response.status}`,
    fields.message ?? `The server answered ${response.status} ${response.statusText}.`,
    fields
  )
}

const send = async <A>(path: string, init: RequestInit): Promise<A> => {
  const response = await fetch(path, { ...init, cache: "no-store" }).catch(() => {
    throw new Refusal("Network", "The server of the dashboard does not answer.")
  })
  if (response.ok) return (await response.json()) as A
  const refusal = await refusalOf(response)
  if (refusal.tag === "NotSignedIn") await refreshSession().catch(() => undefined)
  throw refusal
}

/** Asks for something. */
export const ask = <A>(path: string, params: Params = {}, signal?: AbortSignal): Promise<A> =>
  send(address(path, params), signal === undefined ? {} : { signal })

export const refreshSession = async (): Promise<void> => {
  session.value = await ask<Session>("session")
}

const change = <A>(method: "POST" | "DELETE", path: string, body: unknown): Promise<A> =>
  send(address(path), {
    method,
    headers: { "content-type": "application/json", "x-disco-token": session.value?.token ?? "" },
    body: JSON.stringify(body)
  })

/** Tells the server to change something. A token that is no longer that of the session is asked for anew, once. */
export const tell = async <A>(path: string, body: unknown): Promise<A> => {
  try {
    return await change<A>("POST", path, body)
  } catch (error) {
    if (!(error instanceof Refusal && error.reason === "token")) throw error
    await refreshSession()
    return change<A>("POST", path, body)
  }
}

export const signIn = async (password: string): Promise<void> => {
  session.value = await tell<Session>("session", { password })
}

export const signOut = async (): Promise<void> => {
  session.value = await change<Session>("DELETE", "session", {})
}
