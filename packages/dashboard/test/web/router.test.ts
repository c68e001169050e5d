import { afterAll, assert, describe, it, vi } from "@effect/vitest"

describe("the address of a screen", () => {
  afterAll(() => void vi.unstubAllGlobals())

  it("has the filters that were typed, but not once the page is on its way to another screen", async () => {
    const location = { hash: "#/queues?search=a" }
    let arrive = () => {}
    vi.stubGlobal("location", location)
    vi.stubGlobal("addEventListener", (_: string, listener: () => void) => {
      arrive = listener
    })
    vi.stubGlobal("history", {
      replaceState: (_: null, __: string, address: string) => {
        location.hash = address
      }
    })
    const { place, refine } = await import("../../web/router.js")
    refine({ search: "ab" })
    assert.strictEqual(location.hash, "#/queues?search=ab")
    assert.deepStrictEqual(place.value.query, { search: "ab" })
    // A browser changes the address at once when a link is clicked, and tells the page later.
    location.hash = "#/queue?name=about"
    refine({ search: "abc" })
    assert.strictEqual(location.hash, "#/queue?name=about")
    arrive()
    assert.strictEqual(place.value.subject, "about")
  })
})
