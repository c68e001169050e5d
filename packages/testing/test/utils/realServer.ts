/** Tells, as JSON, whether there is a server, and why its layer cannot be built. It is run by the tests. */
import { Effect, Either, Layer } from "effect"
import { DisqueServer } from "../../src/index.js"

const { layer, missing, note } = DisqueServer
Effect.runPromise(Effect.scoped(Effect.either(Layer.build(layer())))).then((built) => {
  const error = Either.isLeft(built) ? built.left.message : undefined
  process.stdout.write(JSON.stringify({ missing, note, error }))
})
