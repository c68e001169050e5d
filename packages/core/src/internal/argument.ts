/** The checks of options, as values. */
import * as input from "./input.js"

/** A wait in milliseconds. */
export const wait = input.checked(input.wait)

/** A whole number within bounds. */
export const count = input.checked(input.count)

/** The names of queues, one or more. */
export const queues = input.checked(input.queues)
