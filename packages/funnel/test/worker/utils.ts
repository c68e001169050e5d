import { Effect } from "effect"
import { DeadLetter } from "../../src/index.js"
import { numbers } from "../utils/jobs.js"

/** The reasons that the dead letters give. */
export const reasons = Effect.map(DeadLetter.list(numbers), (entries) => entries.map(({ letter }) => letter.reason))
