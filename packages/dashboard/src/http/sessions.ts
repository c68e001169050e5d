/** Who is signed in. A session is known by a cookie, and its changes by a token that no other site can read. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Forbidden, TooMany } from "../DashboardError.js"

export interface Session {
  readonly id: string
  readonly token: string
  readonly expiresAt: number
}

/** A secret that nobody guesses: 256 bits. */
const secret = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("")

const encoder = new TextEncoder()

/** Whether texts are the same, in a time that does not tell where they differ. */
export const isSame = (given: string, wanted: string): boolean => {
  const [a, b] = [encoder.encode(given), encoder.encode(wanted)]
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i % Math.max(1, b.length)] ?? 0)
  return difference === 0
}

/** The most sessions at a time: the oldest ends for a new one. */
const mostSessions = 1000
/** How long a wrong password is waited for, so that nobody tries many. */
const pauseMillis = 1000
/** The most that wait at a time. */
const mostWaiting = 8

export class Sessions {
  /** The token where no password is needed. */
  readonly openToken = secret()
  private readonly sessions = new Map<string, Session>()
  private waiting = 0
  private readonly password: Redacted.Redacted | undefined
  private readonly millis: number

  /** `millis` is how long a session lasts. */
  constructor(password: Redacted.Redacted | undefined, millis: number) {
    this.password = password
    this.millis = millis
  }

  get needsPassword(): boolean {
    return this.password !== undefined
  }

  /** Checks a password. Each wrong one takes a second, and few are checked at a time. */
  check(given: string): Effect.Effect<void, Forbidden | TooMany> {
    return Effect.suspend((): Effect.Effect<void, Forbidden | TooMany> => {
      if (this.password === undefined || isSame(given, Redacted.value(this.password))) return Effect.void
      if (this.waiting >= mostWaiting) {
        return new TooMany({ message: "too many wrong passwords: try again in a few seconds" })
      }
      this.waiting += 1
      const refused = new Forbidden({ reason: "password", message: "the password is wrong" })
      return Effect.ensuring(
        Effect.zipRight(Effect.sleep(pauseMillis), refused),
        Effect.sync(() => {
          this.waiting -= 1
        })
      )
    })
  }

  readonly begin: Effect.Effect<Session> = Effect.map(Clock.currentTimeMillis, (now) => {
    for (const { expiresAt, id } of this.sessions.values()) if (expiresAt <= now) this.sessions.delete(id)
    for (const id of this.sessions.keys()) {
      if (this.sessions.size < mostSessions) break
      this.sessions.delete(id)
    }
    const session: Session = { id: secret(), token: secret(), expiresAt: now + this.millis }
    this.sessions.set(session.id, session)
    return session
  })

  /** The session of a cookie; undefined if it has expired, or if there is none. */
  find(id: string | undefined, now: number): Session | undefined {
    const session = id === undefined ? undefined : this.sessions.get(id)
    return session !== undefined && session.expiresAt > now ? session : undefined
  }

  end(id: string | undefined): void {
    if (id !== undefined) this.sessions.delete(id)
  }
}
