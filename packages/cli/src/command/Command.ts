/**
 * A command as data: what it is called, takes, does and prints. What users see of it comes from here: the reading of the command line,
 * `--help`, completion, `docs/cli.md`, and the form of its JSON.
 */
import type { DisquePool } from "@disco/core"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Dialing } from "../connection/Dialing.js"
import type { Settings } from "../connection/Settings.js"
import type { Output } from "../output/Output.js"
import type { Streams } from "../Streams.js"
import type { Argument, Option } from "./parameters.js"

type Arguments = Readonly<Record<string, Argument<unknown>>>
type Options = Readonly<Record<string, Option<unknown>>>

type ValueOf<P> = P extends { readonly read: (...input: never) => infer Read }
  ? Extract<Read, { readonly _tag: "Right" }> extends { readonly right: infer A }
    ? A
    : never
  : never

/** What `run` is given: the values of arguments and options by the keys under which they are declared. */
export type Input<A, O> = { readonly [K in keyof A]: ValueOf<A[K]> } & { readonly [K in keyof O]: ValueOf<O[K]> }

/** How a command ended: the exit status, or nothing for 0. */
// biome-ignore lint/suspicious/noConfusingVoidType: an effect that returns nothing is a command that did what it was told.
export type Status = number | void

/** Whatever fails says in one sentence what is wrong. */
export interface Failure {
  readonly message: string
}

/** What each command can use. */
export type Services = Output | Streams | FileSystem.FileSystem | Path.Path | Scope.Scope | Dialing

/** What a command that talks to a cluster can use beside that. */
export type ClusterServices = Services | DisquePool | Settings

/** A line that runs, and what it does. */
export type Example = readonly [line: string, does: string]

/** The exit status of a failure, and the line that it is told in. */
export interface WhenFailed {
  readonly status: number
  readonly line: (message: string) => string
}

/** What a command says of itself. */
export interface Description<A extends Arguments, O extends Options> {
  readonly name: string
  /** One line, in the imperative, without a full stop. */
  readonly summary: string
  /** Sentences that the help shows below the summary. */
  readonly details?: string
  /** In their order on the command line. */
  readonly args?: A
  /** By their names, in camel case: `maxLength` is `--max-length`. */
  readonly options?: O
  readonly examples: ReadonlyArray<Example>
  /** What `--json` prints: one document, or with `isStream` one such line for each item. Without it there is no `--json`. */
  readonly output?: Schema.Schema.AnyNoContext
  readonly isStream?: boolean
  /** Exit statuses, with what they mean for this command. */
  readonly statuses?: Readonly<Record<number, string>>
  /** Whether it runs also while no node of its cluster answers. */
  readonly lazyConnect?: boolean
  /** What a failure is for programs that read standard output, such as monitoring systems. */
  readonly whenFailed?: WhenFailed
}

export interface Command {
  readonly kind: "command"
  readonly name: string
  readonly summary: string
  readonly details: string | undefined
  readonly args: Arguments
  readonly options: Options
  readonly examples: ReadonlyArray<Example>
  readonly output: Schema.Schema.AnyNoContext | undefined
  readonly isStream: boolean
  readonly statuses: Readonly<Record<number, string>>
  readonly whenFailed: WhenFailed | undefined
  /** Whether it talks to a cluster: it is given a pool then, and takes the options that say which. */
  readonly needsCluster: boolean
  readonly lazyConnect: boolean
  readonly run: (input: never) => Effect.Effect<Status, Failure, ClusterServices>
}

/** Commands behind one word: `disco node leave`. */
export interface Group {
  readonly kind: "group"
  readonly name: string
  readonly summary: string
  readonly commands: ReadonlyArray<Command>
}

type None = Readonly<Record<never, never>>

const make = (described: Description<Arguments, Options> & Pick<Command, "run">, needsCluster: boolean): Command => ({
  kind: "command",
  name: described.name,
  summary: described.summary,
  details: described.details,
  args: described.args ?? {},
  options: described.options ?? {},
  examples: described.examples,
  output: described.output,
  isStream: described.isStream ?? false,
  statuses: described.statuses ?? {},
  whenFailed: described.whenFailed,
  needsCluster,
  lazyConnect: described.lazyConnect ?? false,
  run: described.run
})

/** A command of this machine. */
export const local = <const A extends Arguments = None, const O extends Options = None>(
  described: Description<A, O> & { readonly run: (input: Input<A, O>) => Effect.Effect<Status, Failure, Services> }
): Command => make(described, false)

/** A command that talks to a cluster, over a `DisquePool`. */
export const onCluster = <const A extends Arguments = None, const O extends Options = None>(
  described: Description<A, O> & {
    readonly run: (input: Input<A, O>) => Effect.Effect<Status, Failure, ClusterServices>
  }
): Command => make(described, true)

/** Commands behind one word. */
export const group = (described: Omit<Group, "kind">): Group => ({ kind: "group", ...described })
