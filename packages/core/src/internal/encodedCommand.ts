/** A command in the form in which it is sent. It knows no errors, so that an error can hold a command. */
import type * as Exit from "effect/Exit"
import type { Reply } from "../Reply.js"

/**
 * A command as it goes over the wire: its name, then its arguments.
 *
 * @since 0.1.0
 * @category models
 */
export type Arguments = ReadonlyArray<string | Uint8Array>

/**
 * The words of a command, how their reply is read, and what the command needs of the connection that carries it.
 *
 * @since 0.1.0
 * @category models
 */
export interface EncodedCommand<out A, out E, out B extends boolean = boolean> {
  /** `ADDJOB`, `CLUSTER MEET`, … */
  readonly name: string
  /** Whether the node may make the command wait, so that nothing else can use the link meanwhile. */
  readonly blocks: B
  /** The name and the arguments, as they go over the wire. */
  readonly wire: Arguments
  /** Reads the reply of the node at the address given. */
  readonly decode: (reply: Reply, node: string) => Exit.Exit<A, E>
  /** Whether the command may be sent again if its reply never came. */
  readonly isIdempotent: boolean
  /** How long the node itself may take before it answers, in milliseconds; the connection's timeout is added. */
  readonly serverMillis: number
  /** Whether the node answers only when other nodes have done their part, so that later commands on the link wait too. */
  readonly waits: boolean
  /** The node that the command should go to while that node is reachable. */
  readonly holder: string | undefined
  /** The queue that the command is about, if it is about one. */
  readonly queue: string | undefined
}
