/** Lets the funnels and workers of a scope begin to close together: a scope runs its finalizers one after another. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"

// The finalizers of a scope run only when the whole scope closes.
const families = new WeakMap<Scope.Scope, Set<Effect.Effect<void>>>()

/**
 * Runs `close` when the scope closes. `begin` runs once, as soon as the first funnel or worker of the scope closes, to stop what is not
 * needed from then on. `begin` must not wait.
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
