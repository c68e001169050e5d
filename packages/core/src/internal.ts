/**
 * What the sibling packages (`@disco/node`, `@disco/embedded`, `@disco/funnel`, `@disco/dashboard`, `@disco/cli`) share with this one.
 * It is not for programs: anything here may change or go with any version.
 */
export { Consume, type ConsumeOptions, type Consuming, consume } from "./internal/consume.js"
export { Fifo } from "./internal/fifo.js"
export * as Figures from "./internal/figures.js"
export { toJson, withJson } from "./internal/json.js"
export { type Line, Notices } from "./internal/notices.js"
export * as OptionReader from "./internal/optionReader.js"
export { deadQueueOf, isOwnQueue, markerQueue, queueOfDead, reportQueue } from "./internal/ownQueues.js"
export * as Prometheus from "./internal/prometheus.js"
export { Slot } from "./internal/slot.js"
export { forgetQueues } from "./internal/telemetry.js"
export * as Time from "./internal/time.js"
export { Timekeeper } from "./internal/timekeeper.js"
export { matches } from "./operations/glob.js"
export { type Copy, Nodes as JobNodes } from "./operations/oneJob/nodes.js"
export * as Settling from "./operations/oneJob/settling.js"
export { type Event, type Story, storyOf, type TimedCopy } from "./operations/oneJob/story.js"
export { NodeFailed, Nodes } from "./operations/taking/nodes.js"
export { portion, Search } from "./operations/taking/search.js"
export { type Chosen, Take, withinItsTime } from "./operations/taking/take.js"
