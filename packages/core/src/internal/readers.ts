/** Readers of replies that several commands have in common. */
import * as Duration from "effect/Duration"
import type { JobId } from "../JobId.js"
import * as Reply from "../Reply.js"

/** The id of a job. */
export const readId: Reply.Reader<JobId> = (reply) => Reply.text(reply) as JobId

/** A duration that Disque tells in seconds. */
export const readSeconds: Reply.Reader<Duration.Duration> = (reply) => Duration.seconds(Reply.integer(reply))

/** A duration that Disque tells in milliseconds. */
export const readMillis: Reply.Reader<Duration.Duration> = (reply) => Duration.millis(Reply.integer(reply))
