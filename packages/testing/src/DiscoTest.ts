/**
 * Tests of programs that add and handle jobs: nodes in the process, time that passes when the test says so, assertions about what was
 * added and what became of it, and faults.
 *
 * It works with any runner of tests: the layer brings its own clock, and what it finds wrong is an error of the effect.
 *
 * @since 0.1.0
 */
export { type Added, acknowledged, enqueued, putBack } from "./assertions/added.js"
export { type Dead, deadLettered } from "./assertions/deadLettered.js"
export type { Part } from "./assertions/differences.js"
export { type Drained, type DrainOptions, drain } from "./assertions/drain.js"
export {
  ExpectationFailed,
  type Expected,
  expectEnqueued,
  refuteEnqueued,
  type Waiting
} from "./assertions/expectation.js"
export { type Performance, perform } from "./assertions/perform.js"
export { commands } from "./commands.js"
export {
  dropConnections,
  expireLease,
  freeze,
  heal,
  latency,
  loseReply,
  partition,
  pause,
  type Rejection,
  redeliver,
  rejectNext
} from "./faults.js"
export { DiscoTest } from "./harness.js"
export { layer, type Options } from "./layer.js"
export { crash, type Process, process, stop } from "./processes.js"
export { advance, idle, run } from "./time.js"
