/** What a fibre has set when it begins with a job: the services of its handler, and the job in what it logs. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as HashMap from "effect/HashMap"

/** Every fibre of Effect has this, though its type does not say so; `Effect.updateFiberRefs` calls it too, at the cost of copies. */
interface Settable {
  readonly setFiberRefs: (refs: FiberRefs.FiberRefs) => void
}

const label = "job"

// Each job begins where the first did: what a handler sets is no other's. And each has refs of its own, as whatever a handler
// starts or keeps goes on with those.
export class Setting {
  private readonly fiber: Fiber.RuntimeFiber<unknown, unknown>
  private readonly beginning: FiberRefs.FiberRefs["locals"]
  private readonly annotations: HashMap.HashMap<string, unknown>

  private constructor(fiber: Fiber.RuntimeFiber<unknown, unknown>) {
    this.fiber = fiber
    this.beginning = fiber.getFiberRefs().locals
    // To set what is there already costs least.
    this.annotations = HashMap.set(fiber.getFiberRef(FiberRef.currentLogAnnotations), label, "")
  }

  /** As the fibre at hand is set now. */
  static readonly make: Effect.Effect<Setting> = Effect.withFiberRuntime<Setting>((fiber) =>
    Effect.succeed(new Setting(fiber))
  )

  /** Sets what a job begins with, or several of them, whose ids are not said. For the fibre itself, in a step of its own. */
  begin(context: Context.Context<never>, id: string | undefined): void {
    const fiberId = this.fiber.id()
    const locals = new Map(this.beginning)
    locals.set(FiberRef.currentContext, [[fiberId, context]])
    if (id !== undefined) {
      locals.set(FiberRef.currentLogAnnotations, [[fiberId, HashMap.set(this.annotations, label, id)]])
    }
    ;(this.fiber as Fiber.RuntimeFiber<unknown, unknown> & Settable).setFiberRefs(FiberRefs.unsafeMake(locals))
  }
}
