/** Every command over a cluster: what it prints, how it ends, and what it leaves. */
import { type DisqueDialer, DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Layer, Random, Schema, Stream } from "effect"
import type { Command } from "../../src/command/Command.js"
import { emptyQueue } from "../../src/emptyQueue.js"
import { allCommands } from "../utils/allCommands.js"
import { disco } from "../utils/disco.js"
import { type Case, cases, type Place } from "./cases.js"

export interface Surroundings {
  readonly name: string
  /** The nodes, as `DISQUE_NODES` has them. */
  readonly nodes: () => string
  readonly layer: Layer.Layer<DisquePool | DisqueDialer, unknown>
  /** Whether others use the cluster meanwhile. */
  readonly isShared: boolean
}

const prefix = "disco-test-"

const placeOf = Effect.gen(function* () {
  const pool = yield* DisquePool
  const { nodes } = yield* pool.hello
  const digits = yield* Random.nextIntBetween(0, 2 ** 48)
  const queue = `${prefix}${digits.toString(36)}`
  const [last] = [...nodes].sort((a, b) => (a.address < b.address ? 1 : -1))
  if (last === undefined) return assert.fail("there are no nodes")
  const { address: node, id: nodeId } = last
  return { queue, other: `${queue}.dead`, node, nodeId, size: nodes.length, id: "" }
})

/** Leaves a queue empty, and not paused. */
const clean = (queue: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const { nodes } = yield* pool.hello
    yield* Effect.forEach(nodes, ({ address }) => pool.on(address).pause(queue, "none"))
    const { failures } = yield* emptyQueue(pool, queue, Duration.seconds(5))
    assert.deepStrictEqual(failures, [])
  })

const lengths = ({ other, queue }: Place) =>
  Effect.flatMap(DisquePool, (pool) => Effect.all([pool.queueLength(queue), pool.queueLength(other)] as const))

export const commands = ({ isShared, layer, name, nodes }: Surroundings): void => {
  const say = (row: Case, place: Place, ...more: ReadonlyArray<string>) =>
    disco([...row.words(place), ...more], {
      columns: 80,
      env: { DISQUE_NODES: nodes() },
      isLive: true,
      ...(row.input === undefined ? {} : { input: row.input })
    })

  const check = (path: string, command: Command, row: Case) =>
    Effect.gen(function* () {
      for (const isJson of row.tells === undefined ? [false] : [false, true]) {
        const empty = yield* placeOf
        yield* Effect.gen(function* () {
          const place = { ...empty, id: row.prepare === undefined ? "" : yield* row.prepare(empty) }
          const { status, stderr, stdout } = yield* say(row, place, ...(isJson ? ["--json"] : []))
          assert.strictEqual(status, row.status ?? 0, `${stdout}${stderr}`)
          if (!isJson) assert.match(stdout === "" ? stderr : stdout, row.shows(place))
          else {
            const documents = command.isStream ? stdout.trimEnd().split("\n") : [stdout]
            const answer: Schema.Schema.AnyNoContext = command.output ?? assert.fail(`${path} has no JSON`)
            const answers = yield* Effect.forEach(documents, (text) =>
              Schema.decodeUnknown(Schema.parseJson(answer))(text)
            )
            assert.containSubset(answers.at(-1), row.tells?.(place))
          }
          assert.deepStrictEqual(yield* lengths(place), row.leaves)
        }).pipe(Effect.ensuring(Effect.orDie(Effect.zipRight(clean(empty.queue), clean(empty.other)))))
      }
    })

  describe(`each command ${name}`, { timeout: 60_000 }, () => {
    it.effect("has a row", () =>
      Effect.map(allCommands, (all) =>
        assert.sameMembers(
          Object.keys(cases),
          all.filter(([, { needsCluster }]) => needsCluster).map(([path]) => path)
        )
      )
    )

    it.live("answers people and programs, ends as it says, and leaves nothing", () =>
      Effect.gen(function* () {
        const failures: Array<string> = []
        const all = (yield* allCommands).flatMap(([path, command]) =>
          (cases[path] ?? []).map((row, i) => ({ path, command, row, number: i + 1 }))
        )
        const checkAll = (isAlone: boolean) =>
          Effect.forEach(
            all.filter(({ row }) => (row.disturbs === true) === isAlone),
            ({ command, number, path, row }) =>
              Effect.catchAllCause(check(path, command, row), (cause) =>
                Effect.sync(() => failures.push(`${path}, row ${number}: ${Cause.pretty(cause)}`))
              ),
            { concurrency: isAlone ? 1 : 4, discard: true }
          )
        yield* checkAll(false)
        if (!isShared) yield* checkAll(true)
        assert.deepStrictEqual(failures, [])
        const pool = yield* DisquePool
        const left = yield* pool.jobs({ states: ["queued", "active", "wait-repl"] }).pipe(
          Stream.filter(({ queue }) => queue?.startsWith(prefix) === true),
          Stream.runCount
        )
        assert.strictEqual(left, 0)
      }).pipe(Effect.provide(Layer.orDie(layer)))
    )
  })
}
