import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const Payment = Schema.Struct({ order: Schema.Number, cents: Schema.Number })
const payments = JobQueue.make("payments", { payload: Payment })

// What stands for a table with a unique key: the payment and the note that it was made go together.
const makeAccount = () => {
  const byOrder = new Map<number, number>()
  const charge = ({ cents, order }: typeof Payment.Type) =>
    Effect.sync(() => {
      if (!byOrder.has(order)) byOrder.set(order, cents)
    })
  const total = () => [...byOrder.values()].reduce((sum, cents) => sum + cents, 0)
  return { charge, total }
}

it.effect("an order is paid once, though its job comes twice", () =>
  Effect.gen(function* () {
    const account = makeAccount()
    yield* Worker.make(payments, account.charge)
    const id = yield* payments.add(yield* DisquePool, { order: 1, cents: 500 })
    yield* DiscoTest.redeliver(id)
    assert.strictEqual(account.total(), 500)
  }).pipe(Effect.provide(DiscoTest.layer()))
)

it.effect("an order is paid once, though the process ends between the payment and the acknowledgement", () =>
  Effect.gen(function* () {
    const account = makeAccount()
    const slowly = Worker.run(payments, (payment) => Effect.zipRight(account.charge(payment), Effect.sleep("1 minute")))
    const worker = yield* DiscoTest.process(slowly)
    yield* payments.add(yield* DisquePool, { order: 1, cents: 500 })
    yield* DiscoTest.crash(worker)
    yield* DiscoTest.process(slowly)
    yield* DiscoTest.advance("1 hour")
    assert.strictEqual((yield* DiscoTest.acknowledged(payments)).length, 1)
    assert.strictEqual(account.total(), 500)
  }).pipe(Effect.provide(DiscoTest.layer()))
)
