import { OpenApi } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { DashboardApi } from "../src/DashboardApi.js"

describe("DashboardApi", () => {
  const { paths } = OpenApi.fromApi(DashboardApi)
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, method, operation }))
  )

  it("describes every endpoint below /api, with its answer", () => {
    for (const { name, operation } of operations) {
      assert.match(name, /^\w+ \/api\//)
      assert.isDefined(operation.responses[200], name)
    }
    assert.include(
      operations.map(({ name }) => name),
      "post /api/dead/redrive"
    )
  })

  it("says of every endpoint that it wants a session", () => {
    for (const { name, operation } of operations) assert.isDefined(operation.responses[401], name)
  })

  it("changes nothing by GET", () => {
    const changes = ["pause", "add", "change", "drain", "undrain", "redrive", "purge", "signIn"]
    for (const { method, name, operation } of operations) {
      if (changes.some((change) => operation.operationId.endsWith(`.${change}`)))
        assert.strictEqual(method, "post", name)
    }
  })
})
