import { Redacted } from "effect"
import { NodeDisque } from "../../src/index.js"
import { quiet } from "../utils/quiet.js"

export const connect = (nodes: string | ReadonlyArray<string>, password?: string) =>
  quiet(
    NodeDisque.layerPool({
      nodes,
      password: password === undefined ? undefined : Redacted.make(password),
      commandTimeout: "1 second",
      connectTimeout: "1 second",
      slice: "200 millis"
    })
  )

export const id = "D-01234567-0123456789abcdefghijklmn-05a1"
