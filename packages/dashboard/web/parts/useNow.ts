/** The time of the browser, once a second while the component is shown. */
import { useEffect, useState } from "preact/hooks"

export const useNow = (): number => {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}
