/** Which cluster a command talks to, and how. */
import type { NodeDisque } from "@disco/node"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"

export class Settings extends Context.Tag("@disco/cli/Settings")<Settings, Settings.Service>() {}

export declare namespace Settings {
  interface Service {
    /** The addresses of nodes, which may hold passwords. */
    readonly nodes: ReadonlyArray<string>
    /** The same without passwords. */
    readonly names: ReadonlyArray<string>
    /** Where they were named: `--nodes`, `DISQUE_NODES`, `the context prod`. */
    readonly source: string
    readonly password: Redacted.Redacted | undefined
    readonly tls: NodeDisque.TlsOptions | undefined
    /** How long nodes have to answer. */
    readonly timeout: Duration.Duration
  }
}
