/** The page in a real browser: one browser and one cluster for all of it. */
import { afterAll, beforeAll, describe, it } from "@effect/vitest"
import type { Browser } from "playwright-core"
import { actions } from "./actions.js"
import { launch } from "./chromium.js"
import { hostile } from "./hostile.js"
import { live } from "./live.js"
import { look } from "./look.js"
import { many } from "./many.js"
import { screens } from "./screens.js"
import { Stage } from "./stage.js"
import { time } from "./time.js"

const browser = await launch()

const suite = (browser: Browser) => {
  let opened: Stage | undefined
  const stage = (): Stage => {
    if (opened === undefined) throw new Error("The stage is set before the tests.")
    return opened
  }
  beforeAll(async () => {
    opened = await Stage.open(browser)
  })
  afterAll(async () => {
    await opened?.close()
    await browser.close()
  })
  screens(stage)
  actions(stage)
  look(stage)
  hostile(stage)
  time(stage)
  live(stage)
  many(stage)
}

describe("the page of the dashboard", () => {
  if (typeof browser === "string") it.skip(browser)
  else suite(browser)
})
