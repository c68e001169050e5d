// For `node --import`: packages of the workspace are imported as they are published, from what was built, and not from their
// TypeScript sources.

import { register } from "node:module"

/** @param {string} packages */
const hook = (packages) => `
  export const resolve = (specifier, context, next) => {
    const [, name, module = "index"] = /^@disco\\/([a-z]+)(?:\\/(\\w+))?$/.exec(specifier) ?? []
    return next(name === undefined ? specifier : ${JSON.stringify(packages)} + name + "/dist/" + module + ".js", context)
  }
`

register(`data:text/javascript,${encodeURIComponent(hook(new URL("../packages/", import.meta.url).href))}`)
