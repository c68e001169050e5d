/** What was made in one scope begins to close together: a scope runs its finalizers one after another. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"

// Finalizers of a scope run for no other reason than that the whole of it closes.
const families = new WeakMap<Scope.Scope, Set<Effect.Effect<void>>>()

/**
 * Closes with the scope. `begin` runs once, as soon as the first of those of the scope closes: what nobody needs any more who was
 * made later ends then. It must not wait.
 */
export const closeWithSiblings = (
  begin: Effect.Effect<void>,
  close: Effect.Effect<void>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) =>
    Effect.suspend(() => {
      const family = families.get(scope) ?? new Set()
      families.set(scope, family)
      family.add(begin)
      const beginAll = Effect.suspend(() => {
        const all = [...family]
        family.clear()
        return Effect.forEach(all, (begin) => begin, { discard: true })
      })
      return Scope.addFinalizer(scope, Effect.zipRight(beginAll, close))
    })
  )
