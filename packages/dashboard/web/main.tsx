/** The page: which screen is shown, and what is around it. */
import { Component, type ComponentChildren, render } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { messageOf, refreshSession, session } from "./api.js"
import { listen } from "./keys.js"
import { link, status, useLive } from "./live.js"
import { Help } from "./parts/Help.js"
import { Failed, Loading } from "./parts/Loading.js"
import { Side } from "./parts/Side.js"
import { Visible } from "./parts/Visible.js"
import { clusterAddress, deadAddress, go, place, queuesAddress, workersAddress } from "./router.js"
import { Cluster } from "./screens/Cluster.js"
import { Dead } from "./screens/Dead.js"
import { Down } from "./screens/Down.js"
import { Job } from "./screens/Job.js"
import { Queue } from "./screens/Queue.js"
import { Queues } from "./screens/Queues.js"
import { SignIn } from "./screens/SignIn.js"
import { isTooLong, TooLong } from "./screens/TooLong.js"
import { Workers } from "./screens/Workers.js"
import { printable } from "./text.js"
import { nextTheme } from "./theme.js"

const Unknown = () => {
  useLive("status", {})
  return (
    <div class="alone">
      <h1>There is no such page</h1>
      <p>
        <a href={queuesAddress()}>Show the queues</a>
      </p>
    </div>
  )
}

const ScreenOf = () => {
  const { screen, subject } = place.value
  if (isTooLong(place.value)) return <TooLong place={place.value} />
  switch (screen) {
    case "queues":
      return <Queues />
    case "queue":
      return <Queue key={subject} name={subject} />
    case "job":
      return <Job key={subject} id={subject} />
    case "cluster":
      return <Cluster />
    case "workers":
      return <Workers />
    case "dead":
      return <Dead />
    case "unknown":
      return <Unknown />
  }
}

/** An error of ours in a screen leaves the rest of the page as it is. */
class Guard extends Component<{ readonly children: ComponentChildren }, { readonly error: unknown }> {
  override state = { error: undefined as unknown }
  static override getDerivedStateFromError(error: unknown) {
    return { error }
  }
  override componentDidCatch(error: unknown) {
    // biome-ignore lint/suspicious/noConsole: it is an error of ours, and the console is where its trace is looked for.
    console.error(error)
  }
  render() {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return (
      <Failed message={`This screen failed: ${messageOf(error)}`} retry={() => this.setState({ error: undefined })} />
    )
  }
}

const titles = {
  queues: "Queues",
  cluster: "Cluster",
  workers: "Workers",
  dead: "Dead letters",
  unknown: "Not found"
} as const

const titleOf = (): string => {
  const { screen, subject } = place.value
  return screen === "queue" || screen === "job" ? printable(subject).slice(0, 80) : titles[screen]
}

/** Whether what is shown is old, and why. */
const Stale = () => {
  const { state, why } = link.value
  const cluster = status.value
  if (state === "lost") {
    return (
      <div class="notice bad" role="status">
        <strong>The connection to the dashboard's server is lost.</strong>
        <span>What is shown is old; it goes on by itself once the server answers.</span>
        {why !== undefined && (
          <span>
            It says: <Visible text={why} />
          </span>
        )}
      </div>
    )
  }
  if (cluster?.state === "partly") {
    return (
      <div class="notice warn" role="status">
        <strong>Not all nodes answer; what they have is missing here.</strong>
        <ul>
          {cluster.nodes
            .filter(({ isAnswering }) => !isAnswering)
            .map(({ address, why }) => (
              <li key={address}>
                <span class="mono">{address}</span> <Visible text={why ?? ""} />
              </li>
            ))}
        </ul>
      </div>
    )
  }
  return null
}

/** While no node answers, the screen stays below, so that its stream tells when one does. */
const Content = () => {
  const cluster = status.value
  const isDown = cluster?.state === "down" && link.value.state !== "lost"
  return (
    <>
      {isDown && <Down status={cluster} />}
      <div hidden={isDown}>
        <Stale />
        <Guard key={place.value.screen + place.value.subject}>
          <ScreenOf />
        </Guard>
      </div>
    </>
  )
}

const App = () => {
  const main = useRef<HTMLElement>(null)
  const [isHelp, setHelp] = useState(false)
  const [error, setError] = useState<string>()
  const [turn, setTurn] = useState(0)
  const { screen, subject } = place.value
  const title = titleOf()

  useEffect(() => {
    document.title = `${title} · Disco`
  }, [title])

  // Another screen: its beginning is shown, and read by those who hear the page.
  const isFirst = useRef(true)
  useEffect(() => {
    if (!isFirst.current) {
      scrollTo(0, 0)
      main.current?.focus({ preventScroll: true })
    }
    isFirst.current = false
  }, [screen, subject])

  useEffect(() => {
    const failed = (error: unknown) => {
      setError(messageOf(error))
      setTimeout(() => setTurn((before) => before + 1), 2000)
    }
    refreshSession().then(() => setError(undefined), failed)
  }, [turn])

  useEffect(
    () =>
      listen({
        "/": () => document.querySelector<HTMLElement>("[data-search]")?.focus(),
        "g q": () => go(queuesAddress()),
        "g w": () => go(workersAddress()),
        "g d": () => go(deadAddress()),
        "g c": () => go(clusterAddress),
        t: nextTheme,
        "?": () => setHelp(true)
      }),
    []
  )

  const who = session.value
  if (who === undefined) {
    return (
      <main class="alone" id="main">
        {error === undefined ? <Loading /> : <Failed message={error} />}
      </main>
    )
  }
  if (!who.isSignedIn) return <SignIn />
  return (
    <div class="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place, but the address is that of the screen. */}
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the content
      </a>
      <Side onHelp={() => setHelp(true)} />
      <main ref={main} id="main" tabIndex={-1} aria-label={title}>
        <Content />
      </main>
      {isHelp && <Help onClose={() => setHelp(false)} />}
    </div>
  )
}

const root = document.getElementById("app")
if (root !== null) render(<App />, root)
