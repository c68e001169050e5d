// Where users come in. Beside another Effect, Node.js fails before any of this runs, and names the file that asked for what is
// missing: this one.
import "effect/Either"

export * from "./index.js"
