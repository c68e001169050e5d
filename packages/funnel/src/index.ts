export * as DeadLetter from "./DeadLetter.js"
export * as Funnel from "./Funnel.js"
export * as Recurring from "./Recurring.js"
export * as Worker from "./Worker.js"
