import * as Effect from "effect/Effect"
import { type DiscoTest, harness } from "./harness.js"
import { line, nameOf } from "./wire/words.js"

// What clients send by themselves.
const housekeeping = new Set(["HELLO", "PING", "INFO"])

/**
 * What the programs of the test have sent since it began, a line for each command, in order: for snapshots. Without names, it gives
 * all commands but those by which clients look after their connections (HELLO, PING, INFO). It waits until nothing moves.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { DiscoTest } from "@disco/testing"
 * import { assert, it } from "@effect/vitest"
 * import { Effect } from "effect"
 *
 * it.effect("a mail is kept for a day", () =>
 *   Effect.gen(function* () {
 *     yield* (yield* DisquePool).addJob("emails", "hello", { ttl: "1 day" })
 *     assert.deepStrictEqual(yield* DiscoTest.commands(), ["ADDJOB emails hello 5000 TTL 86400"])
 *   }).pipe(Effect.provide(DiscoTest.layer()))
 * )
 * ```
 *
 * @since 0.1.0
 * @category jobs
 */
export const commands = (...names: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, never, DiscoTest> =>
  Effect.flatMap(harness, ({ clock, wire }) =>
    Effect.map(clock.idle, () => {
      const wanted = new Set(names.map((name) => name.toUpperCase()))
      const isShown = (name: string) => (wanted.size === 0 ? !housekeeping.has(name) : wanted.has(name))
      return wire.ledger.commands.filter(({ words }) => isShown(nameOf(words))).map(({ words }) => line(words))
    })
  )
