/** What a fiber has set when it begins with a job: the services of its handler, and the job in what it logs. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as HashMap from "effect/HashMap"

/** Every fiber of Effect has this, though its type does not say so; `Effect.updateFiberRefs` calls it too, at the cost of copies. */
interface Settable {
  readonly setFiberRefs: (refs: FiberRefs.FiberRefs) => void
}

const label = "job"

// Each job begins where the first did: what a handler sets is no other's.
export class Setting {
  private readonly fiber: Fiber.RuntimeFiber<unknown, unknown> & Settable
  private readonly fiberId: FiberId.Single
  private readonly locals: FiberRefs.FiberRefs["locals"]
  private readonly refs: FiberRefs.FiberRefs
  private readonly isCopied: boolean
  private readonly plain: HashMap.HashMap<string, unknown>
  private readonly labeled: HashMap.HashMap<string, unknown>

  private constructor(fiber: Fiber.RuntimeFiber<unknown, unknown>) {
    this.fiber = fiber as Fiber.RuntimeFiber<unknown, unknown> & Settable
    this.fiberId = fiber.id()
    const refs = fiber.getFiberRefs()
    this.locals = new Map(refs.locals)
    this.refs = FiberRefs.unsafeMake(this.locals)
    // A handler may keep the refs that it had, and so may what it starts. Where each of them is given a copy, one map will do for
    // all jobs; this is looked at, as nobody promises it.
    this.isCopied = fiber.getFiberRefs() !== refs
    this.plain = fiber.getFiberRef(FiberRef.currentLogAnnotations)
    // To set what is there already costs least.
    this.labeled = HashMap.set(this.plain, label, "")
  }

  /** As the fiber at hand is set now. */
  static readonly make: Effect.Effect<Setting> = Effect.withFiberRuntime<Setting>((fiber) =>
    Effect.succeed(new Setting(fiber))
  )

  /** Sets what a job begins with, or several of them, whose ids are not said. For the fiber itself, in a step of its own. */
  begin(context: Context.Context<never>, id: string | undefined): void {
    const { fiberId, isCopied } = this
    const locals = isCopied ? this.locals : new Map(this.locals)
    locals.set(FiberRef.currentContext, [[fiberId, context]])
    const annotations = id === undefined ? this.plain : HashMap.set(this.labeled, label, id)
    locals.set(FiberRef.currentLogAnnotations, [[fiberId, annotations]])
    this.fiber.setFiberRefs(isCopied ? this.refs : FiberRefs.unsafeMake(locals))
  }
}
