/** The keys of the page. */
import { Dialog } from "./Dialog.js"

const keys: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
  [["/"], "search on this screen"],
  [["g", "q"], "queues"],
  [["g", "w"], "workers"],
  [["g", "d"], "dead letters"],
  [["g", "c"], "cluster"],
  [["j"], "next row of the list of queues"],
  [["k"], "row before"],
  [["Enter"], "open what is in focus"],
  [["t"], "theme: as the system, light, dark"],
  [["?"], "this help"],
  [["Esc"], "close a window"]
]

export const Help = ({ onClose }: { readonly onClose: () => void }) => (
  <Dialog title="Keys" onClose={onClose}>
    <div class="keys">
      {keys.map(([combination, means]) => (
        <>
          <span>
            {combination.map((key) => (
              <>
                <kbd>{key}</kbd>{" "}
              </>
            ))}
          </span>
          <span>{means}</span>
        </>
      ))}
    </div>
    <p class="dim help-note">
      In the search of queues, * stands for any text and ? for any character. The id of a job leads to the job. Ages and
      times are those of the nodes, in UTC.
    </p>
  </Dialog>
)
