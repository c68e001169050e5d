/** Certificates and private keys in the files that options name. */
import { createSecureContext } from "node:tls"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { CliError } from "./CliError.js"
import { read } from "./files.js"

/** Paths of files (PEM). A certificate and its key are given together. */
export interface Files {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** What the files hold. */
export interface Certificates {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** Reads the files, and makes sure that they can be used. `dashes` stand before the names of the options. */
export const readCertificates = (
  { ca, cert, key }: Files,
  dashes: "" | "--"
): Effect.Effect<Certificates, CliError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const name = (option: string) => `${dashes}tls-${option}`
    const found: Certificates = {
      ...(ca === undefined ? {} : { ca: yield* read(name("ca"), ca) }),
      ...(cert === undefined ? {} : { cert: yield* read(name("cert"), cert) }),
      ...(key === undefined ? {} : { key: yield* read(name("key"), key) })
    }
    if (found.ca !== undefined && !found.ca.includes("-----BEGIN CERTIFICATE-----")) {
      return yield* new CliError({ message: `${name("ca")}: ${JSON.stringify(ca)} holds no certificate (PEM)` })
    }
    // The reason names what is wrong, and shows nothing of the key.
    yield* Effect.try({
      try: () => createSecureContext(found),
      catch: (thrown) => {
        const names = cert === undefined ? name("ca") : `${name("cert")} and ${name("key")}`
        const files = (cert === undefined ? [ca] : [cert, key]).map((file) => JSON.stringify(file)).join(" and ")
        const reason = thrown instanceof Error ? thrown.message : String(thrown)
        return new CliError({ message: `${names} cannot be used: ${files}: ${reason}` })
      }
    })
    return found
  })
