/** Snapshots of what commands print. */
import type { DisqueDialer, DisquePool } from "@disco/core"
import type { EmbeddedDisque } from "@disco/embedded"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { chance, cluster, disco, type Surroundings } from "./disco.js"

type Prepared = DisquePool | DisqueDialer | EmbeddedDisque

const surroundings: ReadonlyArray<readonly [string, Surroundings]> = [
  ["80 columns", { columns: 80 }],
  ["40 columns", { columns: 40 }],
  ["80 columns with colors", { columns: 80, color: true }],
  ["40 columns with colors", { columns: 40, color: true }],
  ["no terminal", {}]
]

/** Tests how a command looks at 80 and 40 columns, with and without colors, and without a terminal. */
export const looks = (
  what: string,
  words: ReadonlyArray<string>,
  prepare: Effect.Effect<unknown, unknown, Prepared> = Effect.void
): void => {
  for (const [where, given] of surroundings) {
    it.effect(`${what} (${words.join(" ")}) fits ${where}`, () =>
      Effect.gen(function* () {
        yield* Effect.withRandom(prepare, chance())
        const { status, stderr, stdout } = yield* Effect.withRandom(disco(words, given), chance())
        expect(`$ disco ${words.join(" ")}\n${stdout}${stderr}(status ${status})`).toMatchSnapshot()
      }).pipe(Effect.provide(cluster))
    )
  }
}
