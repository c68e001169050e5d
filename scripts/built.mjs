// For `node --import`: the packages of the workspace are imported as they are published, from what was built, and not from
// their TypeScript sources.

import { register } from "node:module"

const hook = (packages) => `
  export const resolve = (specifier, context, next) => {
    const name = /^@disco\\/([a-z]+)$/.exec(specifier)?.[1]
    return next(name === undefined ? specifier : new URL(name + "/dist/index.js", ${JSON.stringify(packages)}).href, context)
  }
`

register(`data:text/javascript,${encodeURIComponent(hook(new URL("../packages/", import.meta.url).href))}`)
