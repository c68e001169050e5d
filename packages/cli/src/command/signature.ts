/** All that a command takes: what it declares, and the options that all such commands have. */
import { clusterOptions } from "../connection/options.js"
import type { Command } from "./Command.js"
import type { Signature } from "./commandLine.js"
import type { Subject } from "./help.js"
import * as option from "./parameters.js"

const oneDocument = option.flag("Print one document of JSON, for programs.")
const oneLineEach = option.flag("Print one line of JSON for each item, for programs.")

/** `path` is the whole name of the command, such as `node leave`. */
export const signatureOf = (command: Command, path: string): Signature => ({
  path,
  args: command.args,
  options: {
    ...command.options,
    ...(command.output === undefined ? {} : { json: command.isStream ? oneLineEach : oneDocument }),
    ...(command.needsCluster ? clusterOptions : {})
  }
})

/** What the help shows of a command. */
export const subjectOf = (command: Command, path: string): Subject => ({
  ...signatureOf(command, path),
  summary: command.summary,
  details: command.details,
  examples: command.examples,
  statuses: command.statuses
})
