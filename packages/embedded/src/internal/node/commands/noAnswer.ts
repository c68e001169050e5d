/** What a command returns that is answered later, or never. */
export const noAnswer: unique symbol = Symbol("no answer")
