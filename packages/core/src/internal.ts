/**
 * What the sibling packages (`@disco/node`, `@disco/embedded`, `@disco/funnel`, `@disco/cli`) share with this one. It is not for
 * programs: anything here may change or go with any version.
 */
export { Consume, type ConsumeOptions, type Consuming, consume } from "./internal/consume.js"
export { Fifo } from "./internal/fifo.js"
export { toJson, withJson } from "./internal/json.js"
export { type Line, Notices } from "./internal/notices.js"
export * as OptionReader from "./internal/optionReader.js"
export { Slot } from "./internal/slot.js"
export { forgetQueues } from "./internal/telemetry.js"
export * as Time from "./internal/time.js"
export { Timekeeper } from "./internal/timekeeper.js"
export { NodeFailed, Nodes } from "./operations/taking/nodes.js"
export { portion, Search } from "./operations/taking/search.js"
export { type Chosen, Take, withinItsTime } from "./operations/taking/take.js"
