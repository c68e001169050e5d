import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DisquePool, JobQueue } from "@disco/core"
import { DiscoTest } from "@disco/testing"
import { SqlClient } from "@effect/sql"
import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Layer, Schedule, Schema } from "effect"

const Receipt = Schema.Struct({ order: Schema.String, to: Schema.String })
const receipts = JobQueue.make("receipts", { payload: Receipt })

const tables = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.all([
    sql`CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, buyer TEXT NOT NULL)`,
    sql`CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, receipt TEXT NOT NULL)`
  ])
)

/** The order and its job are there together, or neither is. */
const place = (order: string, buyer: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const receipt = yield* encodeReceipt({ order, to: buyer })
    yield* sql`INSERT INTO orders ${sql.insert({ id: order, buyer })}`
    yield* sql`INSERT INTO outbox ${sql.insert({ receipt })}`
  }).pipe((placing) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(placing)))

const encodeReceipt = Schema.encode(Schema.parseJson(Receipt))
const decodeReceipt = Schema.decode(Schema.parseJson(Receipt))

/** Adds the jobs of what is committed. A row goes once its job is added: after a crash in between, the job is added twice. */
const handOver = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const pool = yield* DisquePool
  const rows = yield* sql<{ readonly id: number; readonly receipt: string }>`
    SELECT id, receipt FROM outbox ORDER BY id LIMIT 100`
  for (const { id, receipt } of rows) {
    yield* receipts.add(pool, yield* decodeReceipt(receipt))
    yield* sql`DELETE FROM outbox WHERE id = ${id}`
  }
})

/** Runs in one process, or in several at the cost of more jobs that are added twice. */
const Relay = handOver.pipe(
  Effect.catchAll((error) => Effect.logWarning(`the outbox waits: ${error.message}`)),
  Effect.repeat(Schedule.spaced("1 second")),
  Effect.forkScoped,
  Layer.scopedDiscard
)

// SQLite comes as a program for this machine, if there is one.
const libsql = await import("@effect/sql-libsql").catch(() => undefined)

describe.skipIf(libsql === undefined)("an outbox", () => {
  let folder = ""
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "disco-outbox-"))
    return () => rmSync(folder, { recursive: true })
  })

  /** The database of a program: another one has a connection of its own to the same file. */
  const Database = Layer.suspend(() => {
    if (libsql === undefined) return Layer.die("there is no SQLite for this machine")
    const client = Layer.orDie(libsql.LibsqlClient.layer({ url: `file:${join(folder, "shop.db")}` }))
    return Layer.provideMerge(Layer.orDie(Layer.effectDiscard(tables)), client)
  })

  const added = Effect.map(DiscoTest.enqueued(receipts), (jobs) => jobs.map(({ payload }) => payload.order))

  it.effect("hands over the job of an order that is placed, and no other", () =>
    Effect.gen(function* () {
      yield* place("order-1", "ada@example.com")
      yield* Effect.exit(place("order-1", "bob@example.com"))
      yield* Effect.provide(DiscoTest.advance("5 seconds"), Relay)
      assert.deepStrictEqual(yield* added, ["order-1"])
    }).pipe(Effect.provide(Database), Effect.provide(DiscoTest.layer()))
  )

  it.effect("loses no job if the program crashes between the commit and the hand-over", () =>
    Effect.gen(function* () {
      const shop = Effect.zipRight(place("order-1", "ada@example.com"), Effect.never)
      const first = yield* DiscoTest.process(Effect.provide(shop, Database))
      yield* DiscoTest.advance("1 minute")
      yield* DiscoTest.crash(first)
      assert.deepStrictEqual(yield* added, [])
      yield* DiscoTest.process(Effect.provide(Effect.never, Layer.provide(Relay, Database)))
      yield* DiscoTest.advance("5 seconds")
      assert.deepStrictEqual(yield* added, ["order-1"])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )

  it.effect("adds a job twice if the program crashes between the hand-over and the note of it", () =>
    Effect.gen(function* () {
      yield* Effect.provide(place("order-1", "ada@example.com"), Database)
      const pool = yield* DisquePool
      const stuck = {
        ...pool,
        addJob: (...args: Parameters<typeof pool.addJob>) => Effect.zipRight(pool.addJob(...args), Effect.never)
      }
      const first = yield* DiscoTest.process(
        handOver.pipe(Effect.provideService(DisquePool, stuck), Effect.provide(Database))
      )
      yield* DiscoTest.advance("1 minute")
      yield* DiscoTest.crash(first)
      yield* DiscoTest.process(Effect.provide(Effect.never, Layer.provide(Relay, Database)))
      yield* DiscoTest.advance("5 seconds")
      assert.deepStrictEqual(yield* added, ["order-1", "order-1"])
    }).pipe(Effect.provide(DiscoTest.layer()))
  )
})
