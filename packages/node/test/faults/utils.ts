import type { Duration } from "effect"
import { NodeDisque } from "../../src/index.js"
import { quiet } from "../utils/quiet.js"
import { bulk } from "../utils/scriptedPeer.js"

export const connect = (nodes: string, options: { readonly slice?: Duration.DurationInput } = {}) =>
  quiet(NodeDisque.layerConnection({ nodes, commandTimeout: "500 millis", connectTimeout: "1 second", ...options }))

export const id = "D-01234567-0123456789abcdefghijklmn-05a1"

export const delivery = `*1\r\n*7\r\n${bulk("q")}${bulk(id)}${bulk("body")}${bulk("nacks")}:0\r\n${bulk("additional-deliveries")}:0\r\n`
