/** `disco dead`: the jobs that workers gave up. */
import { group } from "../command/Command.js"
import { list } from "./dead/list.js"
import { purge } from "./dead/purge.js"
import { redrive } from "./dead/redrive.js"
import { show } from "./dead/show.js"

export const command = group({
  name: "dead",
  summary: "See the jobs that workers gave up, and add them again",
  commands: [list, show, redrive, purge]
})
