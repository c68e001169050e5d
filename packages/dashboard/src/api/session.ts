/** Who looks, and what they may do. */
import * as Schema from "effect/Schema"
import { Moment } from "./values.js"

/** What is allowed here. It may be asked for without a session. */
export const Session = Schema.Struct({
  /** Whether the API answers. If not, `needsPassword` is true, and `POST /api/session` signs in. */
  isSignedIn: Schema.Boolean,
  needsPassword: Schema.Boolean,
  /** Whether every change is refused. */
  isReadOnly: Schema.Boolean,
  /** Whether the bodies of jobs are left out. */
  hidesPayloads: Schema.Boolean,
  /** Goes into the header `x-disco-token` of each request that changes something. Null if nobody is signed in. */
  token: Schema.NullOr(Schema.String),
  /** When the session ends; null if it does not. */
  expiresAt: Schema.NullOr(Moment),
  /** The queues whose `JobQueue` this program registered: their jobs are decoded. */
  typedQueues: Schema.Array(Schema.String)
})
export type Session = typeof Session.Type

export const SignIn = Schema.Struct({ password: Schema.String.pipe(Schema.maxLength(1024)) })
export type SignIn = typeof SignIn.Type
