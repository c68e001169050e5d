export * as AppendOnlyFile from "./AppendOnlyFile.js"
export {
  type DurableOptions,
  EmbeddedDisque,
  type EmbeddedNode,
  type EmbeddedOptions,
  type ProcessFigures
} from "./EmbeddedDisque.js"
export * as EmbeddedServer from "./EmbeddedServer.js"
export { StorageError } from "./internal/disk/storageError.js"
export type { ForgottenJob, Session } from "./internal/host/nodeProcess.js"
export type { Buffers, SessionHandlers } from "./internal/node/client.js"
export type { Answer, Failure, Status } from "./internal/wire/answers.js"
export type { Argument } from "./internal/wire/bytes.js"
export * as VirtualTime from "./VirtualTime.js"
