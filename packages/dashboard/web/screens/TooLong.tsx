/** A name that no address can hold: HTTP servers take some 16 kB of address, with what is around it. */
import { count } from "../format.js"
import { useLive } from "../live.js"
import { Visible } from "../parts/Visible.js"
import { type Place, queuesAddress } from "../router.js"
import { cut } from "../text.js"

/** The most characters, as an address writes them. Further parameters, cookies and proxies have some room too. */
const most = 12_000

export const isTooLong = ({ query }: Place): boolean => new URLSearchParams(query).toString().length > most

export const TooLong = ({ place: { query, screen, subject } }: { readonly place: Place }) => {
  useLive("status", {})
  const name = screen === "queue" ? subject : screen === "dead" ? query.queue : undefined
  return (
    <>
      <p class="crumbs">
        <a href={queuesAddress()}>Queues</a>
      </p>
      <header class="page-head">
        <h1>{name === undefined ? "This address is too long" : "The name of this queue is too long for a page"}</h1>
      </header>
      <section class="card">
        <div class="inside">
          {name === undefined ? (
            <p>Look for less of it: a part is enough.</p>
          ) : (
            <>
              <p>
                It has {count(name.length)} characters, and a page is asked for by an address, which holds some{" "}
                {count(most)}. The list of queues shows its figures and pauses it, and the <code>disco</code> command
                takes such names.
              </p>
              <p>
                It begins with <Visible text={cut(name, 200)} />
              </p>
            </>
          )}
        </div>
      </section>
    </>
  )
}
