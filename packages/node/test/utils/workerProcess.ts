/** A process with a worker whose handler takes a second; it is run by the tests. */
import { JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { Console, Effect, Schema } from "effect"
import * as WorkerProcess from "../../src/WorkerProcess.js"

const films = JobQueue.make("films", { payload: Schema.Number })

const encode = (film: number) =>
  Console.log(`film ${film} begun`).pipe(
    Effect.zipRight(Effect.sleep("1 second")),
    Effect.zipRight(Console.log(`film ${film} done`))
  )

WorkerProcess.main(Worker.layer(films, encode))
