/** The result of a command that is answered later, or never. */
export const noAnswer: unique symbol = Symbol("no answer")
